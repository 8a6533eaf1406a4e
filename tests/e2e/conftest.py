"""A browser and a real web server: the one of production, with its static files, its policy and its compression."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from accounts.models import Organization, User
from slo_portal.stack import WEB_OPTIONS
from slos import figures
from tests.slos.worlds_to_show import member, show

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
WATCH = """
window.seen = {shift: 0, violations: []};
window.moved = [];
const moves = (entry) => {
    seen.shift += entry.value;
    for (const {node, currentRect: to} of entry.sources)
        moved.push(`${(node?.outerHTML || node?.data)?.slice(0, 80)} to ${to.x}, ${to.y}`);
};
new PerformanceObserver((list) => list.getEntries().forEach(moves))
    .observe({type: "layout-shift", buffered: true});
document.addEventListener("securitypolicyviolation",
    (e) => seen.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
"""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's loop runs in the thread of the tests
    assert CHROMIUM, "There is no Chromium to drive: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def portal(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("portal")) as address:
        yield address


@contextmanager
def serving(data: Path, *options: str) -> Iterator[str]:
    """The address of a web server on the database of the tests, while the block runs."""
    env = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("DJANGO_", "PYTEST_"))},
        "DATA_DIR": str(data),
        "DATABASE_URL": database_url(),
        "SECRET_KEY": settings.SECRET_KEY,
        "ENV_FILE": os.devnull,
        "STATEMENT_TIMEOUT_MS": "30000",
    }
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity=0", "--ignore=rest_framework"]
    subprocess.run(collect, cwd=ROOT, env=env, check=True)
    with socket.create_server(("127.0.0.1", 0)) as door:  # open before the server runs: nobody has to wait for it
        command = [sys.executable, "-m", "gunicorn", "slo_portal.wsgi", *WEB_OPTIONS.split(), *options]
        command += ["--bind", f"fd://{door.fileno()}"]
        server = subprocess.Popen(command, cwd=ROOT, env=env, pass_fds=[door.fileno()])
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        server.terminate()
        server.wait(20)


def database_url() -> str:
    own = connections["owner"].settings_dict
    secret = f":{quote(own['PASSWORD'], safe='')}" if own["PASSWORD"] else ""
    query = urlencode({"host": own["HOST"], "port": own["PORT"] or 5432})
    return f"postgresql://{own['USER']}{secret}@/{own['NAME']}?{query}"


@pytest.fixture
def organization(transactional_db: None) -> Organization:
    now = datetime.now(UTC)
    organization = show(now)
    figures.refresh(organization, now=now)
    return organization


@pytest.fixture
def viewer(organization: Organization) -> User:
    return member(organization)


Open = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser, portal: str, viewer: User) -> Iterator[Open]:
    """open_page(path="/", user=viewer, width=1280, height=800, **context): a page, signed in, that is being watched.

    `page.requests` and `page.problems` tell what it asked for and what its console complained of.
    """
    contexts: list[BrowserContext] = []

    def open_(
        path: str | None = "/", user: User | None = viewer, width: int = 1280, height: int = 800, **more: Any
    ) -> Page:
        context = chromium.new_context(base_url=portal, viewport={"width": width, "height": height}, **more)
        contexts.append(context)
        if user:
            context.add_cookies([{"name": "sessionid", "value": session_of(user), "url": portal}])
        page = context.new_page()
        page.add_init_script(WATCH)
        page.requests, page.problems = [], []  # type: ignore[attr-defined]
        page.on("request", lambda request: page.requests.append(request.url))  # type: ignore[attr-defined]
        page.on("console", lambda message: page.problems.append(message.text) if message.type == "error" else None)  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: page.problems.append(str(error)))  # type: ignore[attr-defined]
        if path is not None:
            page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value
