"""What keeps a demonstration apart from everything real."""

import pytest
from django.test import Client

from slo_portal.demo import MARK, introduce, password, remove, surroundings
from slo_portal.local import StartError
from slo_portal.marked import Marked
from tests.facts import firm


def test_its_environment_reaches_nothing_real(monkeypatch, tmp_path):
    for name in ("DATABASE_URL", "REDIS_URL", "SMTP_URL", "HEARTBEAT_URL"):
        monkeypatch.setenv(name, "real")
    found = surroundings(tmp_path)
    assert found["DATA_DIR"] == str(tmp_path / "demo")
    assert "real" not in found.values()
    assert found["PATH"]


def test_the_password_is_kept_for_the_next_start_where_nobody_else_reads(tmp_path):
    first = password(tmp_path)
    assert password(tmp_path) == first
    assert (tmp_path / MARK).stat().st_mode & 0o077 == 0


def test_only_a_demo_is_removed_and_only_what_it_made(tmp_path):
    with pytest.raises(StartError, match="There is no demo"):
        remove(tmp_path)
    password(tmp_path)
    (tmp_path / "postgres").mkdir()
    (tmp_path / "mine").touch()
    assert "postgres" in remove(tmp_path, dry_run=True)
    assert (tmp_path / "postgres").exists()
    assert MARK in remove(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    (tmp_path / "postgres").mkdir()
    with pytest.raises(StartError, match="is no demo"):
        password(tmp_path)


@pytest.mark.django_db
def test_every_page_says_that_it_is_a_demo(settings):
    introduce("sesame")
    introduce("another")  # a second start changes nothing
    firm("other")
    client = Client()
    settings.DEMO = True
    assert "Demo data:" in client.get("/login/").text
    assert client.login(username="operator", password="sesame")
    assert "Demo data:" in client.get("/alerts/").text
    assert client.login(username="lead", password="sesame")
    assert "Demo data:" in client.get("/admin/").text
    settings.DEMO = False
    assert "Demo data:" not in client.get("/admin/").text
    assert Marked(lambda request: client.get("/login/"))(None).headers["X-Demo"] == "true"
