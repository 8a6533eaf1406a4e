"""What a probe sees."""

from django.test import Client


def test_a_probe_needs_no_account_and_no_database():
    answer = Client().get("/health/live")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-store" in answer["Cache-Control"]
