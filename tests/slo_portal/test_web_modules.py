"""A web process loads what requests need: each of these would cost every one of them megabytes."""

import subprocess
import sys
from pathlib import Path

import pytest

NOT_IN_THE_WEB = {
    "plotly": "slo_portal.tasks",  # what loads it where it belongs
    "slo_portal.celery": "slo_portal.tasks",
    "redis": "redis",
    "apprise": "apprise",
    "segno": "segno",
    "markdown_it": "markdown_it",
    "cryptography.fernet": "cryptography.fernet",
    "slo_portal.config.reading": "slo_portal.config.pages",
    "slos.openslo.writing": "slo_portal.config.pages",
    "slo_portal.openapi.document": "slo_portal.openapi.document",
}
LOADED = """
import sys
import slo_portal.wsgi
from django.urls import get_resolver
get_resolver().url_patterns
{more}
print(*sys.modules)
"""


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_web_process_loads_nothing_that_only_others_need(elsewhere, monkeypatch):
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.settings")
    more = f"import {', '.join(NOT_IN_THE_WEB.values())}" if elsewhere else ""
    command = [sys.executable, "-c", LOADED.format(more=more)]
    done = subprocess.run(command, cwd=Path(__file__).resolve().parents[2], check=True, capture_output=True, text=True)
    found = NOT_IN_THE_WEB.keys() & set(done.stdout.split())
    assert found == (set(NOT_IN_THE_WEB) if elsewhere else set())
