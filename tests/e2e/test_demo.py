"""`make demo` as a newcomer meets it: from nothing to an acknowledged alert, in a browser."""

import os
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.slo_portal.portal_process import ROOT, Portal, manage

pytestmark = pytest.mark.slow
DEMO = [sys.executable, str(ROOT / "manage.py"), "demo"]
PATIENCE = 60_000  # milliseconds


def sign_in(page: Page, address: str, user: str, password: str) -> None:
    page.goto(f"{address}/login/")
    expect(page.get_by_text("Demo data:")).to_be_visible()
    page.fill("#id_username", user)
    page.fill("#id_password", password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/")


def open_page(chromium: Browser, address: str, password: str, user: str) -> Page:
    page = chromium.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(PATIENCE)
    sign_in(page, address, user, password)
    return page


def test_from_nothing_to_an_acknowledged_alert_and_back_to_nothing(chromium: Browser, tmp_path: Path, capsys):
    began = time.monotonic()
    real = {"SMTP_URL": "smtp://mail.invalid", "DATABASE_URL": "postgresql://x@y.invalid/z"}
    with Portal(tmp_path, command=DEMO, **real) as demo:
        password = demo.wait_for("sign in as viewer, operator, lead").split()[-1]
        address = f"http://127.0.0.1:{demo.port}"
        demo.wait_for("have met with it", seconds=240)

        page = open_page(chromium, address, password, "operator")
        alert = page.get_by_role("link", name="invoices late since").first
        expect(alert).to_be_visible(timeout=PATIENCE)
        expect(page.locator("table.cards tbody tr")).to_have_count(7)
        expect(page.locator("table.cards tbody tr").filter(has_text="✔ Met")).to_have_count(6)
        answer = page.goto(f"{address}{alert.get_attribute('href')}")
        assert answer is not None
        assert (answer.status, answer.headers["x-demo"]) == (200, "true"), demo.lines[-30:]
        page.locator("#note").fill("OCR is being restarted")
        page.get_by_role("button", name="Acknowledge").click()
        expect(page.get_by_text("OCR is being restarted")).to_be_visible(timeout=PATIENCE)
        took = time.monotonic() - began
        about = page.url
        page.goto(address)
        expect(page.locator("#open-alerts")).to_have_text("0")

        other = open_page(chromium, address, password, "lead")
        other.goto(about)
        expect(other.locator("main")).to_contain_text("Acknowledged by operator")
        other.goto(f"{address}/mailbox/")
        expect(other.locator(".mails li").filter(has_text="operations@localhost").first).to_be_visible()
        other.goto(f"{address}/kpis/changes/")
        expect(other.get_by_text("Days reach to")).to_be_visible()  # looked through without an hour's wait
        other.goto(f"{address}/reports/")
        for kind in ("Daily", "Weekly", "Monthly"):
            expect(other.locator("tbody th").filter(has_text=kind).first).to_be_visible()

        assert "is running" in manage(tmp_path, "demo", "--reset").stderr
        assert manage(tmp_path, "demo", "--end-incident").returncode == 0
        demo.wait_for("The incident is over", seconds=30)
        assert demo.stop() == 0
        assert not [line for line in demo.lines if "Traceback" in line or "ended with code" in line]
    with capsys.disabled():
        print(f"\nfrom the first command to an acknowledged alert: {took:.0f} s")  # noqa: T201

    (tmp_path / "demo" / "mine.txt").write_text("not the demo's")
    assert "Would remove" in manage(tmp_path, "demo", "--reset", "--dry-run").stdout
    assert manage(tmp_path, "demo", "--reset").returncode == 0
    assert os.listdir(tmp_path / "demo") == ["mine.txt"]
    assert manage(tmp_path, "demo", "--reset").returncode == 1


def test_a_portal_that_is_no_demo_is_neither_started_as_one_nor_removed(tmp_path: Path):
    (tmp_path / "postgres").mkdir()
    for act in ([], ["--reset"]):
        refused = manage(tmp_path, "demo", *act, DEMO="true")
        assert refused.returncode == 1
        assert ("no demo" if act else "is no demo") in refused.stderr
    assert (tmp_path / "postgres").exists()
