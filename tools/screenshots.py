"""Take the pictures of the README from a running demo: `make demo`, and half a minute after "have met with it"

    .venv/bin/python tools/screenshots.py PASSWORD [ADDRESS]

PASSWORD is that of `lead`, as the demo prints it. Needs a Chromium; overwrites docs/images/.
"""

import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).parent.parent / "docs" / "images"
OBJECTIVE = "Time-to-Ready Processing"


class Picture(NamedTuple):
    """`path` is an address, or the name of a link on the overview."""

    name: str
    path: str
    scheme: str = "light"
    width: int = 1280
    height: int = 800


PICTURES = (
    Picture("overview", "/"),
    Picture("objective", OBJECTIVE, "dark"),
    Picture("inbox", "/alerts/"),
    Picture("phone", "/", width=390, height=800),
)


def main(password: str, address: str = "http://127.0.0.1:8000") -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        state = signed_in(browser, address, password)
        for picture in PICTURES:
            size = {"width": picture.width, "height": picture.height}
            context = browser.new_context(
                base_url=address, storage_state=state, viewport=size, color_scheme=picture.scheme
            )
            take(context.new_page(), picture)
        browser.close()


def signed_in(browser: Browser, address: str, password: str) -> Any:
    page = browser.new_page(base_url=address)
    page.goto("/login/")
    page.fill("#id_username", "lead")
    page.fill("#id_password", password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/")
    return page.context.storage_state()


def take(page: Page, picture: Picture) -> None:
    page.goto(picture.path if picture.path.startswith("/") else "/")
    if not picture.path.startswith("/"):
        page.get_by_role("link", name=picture.path, exact=True).first.click()
        page.wait_for_load_state()
    page.wait_for_load_state("networkidle")
    file = IMAGES / f"{picture.name}.png"
    page.screenshot(path=file)
    print(f"{file.name}: {file.stat().st_size // 1024} KB")  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
