"""Prometheus and promtool as their makers ship them (Debian: prometheus)."""

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.db import connection

from tests.slo_portal.portal_process import free_port

FILES = Path(__file__).resolve().parents[2] / "monitoring"
PROMETHEUS, GRAFANA = FILES / "prometheus", FILES / "grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))
needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="there is no promtool")
needs_prometheus = pytest.mark.skipif(not shutil.which("prometheus"), reason="there is no prometheus")


def promtool(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(shutil.which("promtool")), *arguments], input=given, capture_output=True, text=True)


def generated(organization: str = "") -> str:
    out = StringIO()
    call_command("prometheus_rules", *(["--organization", organization] if organization else []), stdout=out)
    return out.getvalue()


def rules_of_the_portal() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "portal-rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """Everything that is asked of a Prometheus, and where."""
    for rule in rules_of_the_portal():
        yield rule.get("alert") or rule["record"], rule["expr"]
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", filled_in(target["expr"])


def filled_in(expr: str) -> str:
    """As Grafana sends it when all is chosen."""
    return expr.replace("$organization", ".+").replace("$slo", ".+").replace("$__rate_interval", "1m")


def configure(folder: Path, portal: str) -> None:
    """Our own files, but that all is read and calculated every second."""
    config = (PROMETHEUS / "prometheus.yml").read_text().replace("15s", "1s")
    config = config.replace("localhost:8000", urllib.parse.urlsplit(portal).netloc)
    (folder / "prometheus.yml").write_text(config)
    (folder / "portal-rules.yml").write_text((PROMETHEUS / "portal-rules.yml").read_text())
    (folder / "slo-rules.yml").write_text(generated().replace("interval: 30s", "interval: 1s"))


class Prometheus:
    """A real one, with the configuration and the data that are in a folder; ready when it answers."""

    def __init__(self, folder: Path) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        command = [str(shutil.which("prometheus")), f"--config.file={folder / 'prometheus.yml'}"]
        command += [f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={self.address}"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self) -> "Prometheus":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def ask(self, expr: str, at: datetime | None = None) -> list[dict[str, Any]]:
        """The series of an instant: now, or another one."""
        query = urllib.parse.urlencode({"query": expr, **({"time": at.timestamp()} if at else {})})
        with urllib.request.urlopen(f"http://{self.address}/api/v1/query?{query}", timeout=10) as answer:
            found = json.load(answer)
        assert found["status"] == "success", found
        return found["data"]["result"]

    def wait_for_scrape(self) -> None:
        """Until it has read the portal once more."""
        before = self.scrapes()
        wait_until(lambda: self.scrapes() > before)

    def wait(self) -> None:
        """Until it answers."""
        wait_until(self.answers)

    def answers(self) -> bool:
        try:
            return bool(self.ask("vector(1)"))
        except OSError:  # it is still starting
            return False

    def scrapes(self) -> float:
        found = self.ask('count_over_time(up{job="slo-portal"}[1h])') if self.answers() else []
        return float(found[0]["value"][1]) if found else 0


def wait_until(holds: Callable[[], bool]) -> None:
    """Bounded: a minute. PostgreSQL does the waiting."""
    for _ in range(300):
        if holds():
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.2)")
    raise AssertionError("Prometheus does not get there")
