"""nginx with our files before gunicorn, as its systemd unit starts it: what callers see, also during restarts."""

import gzip
import json
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from accounts.models import Membership, User
from accounts.tokens import issue
from tests.e2e.conftest import database_url
from tests.facts import firm
from tests.slo_portal.portal_process import ROOT, environment, free_port

needs_nginx = pytest.mark.skipif(not shutil.which("nginx"), reason="there is no nginx")
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), needs_nginx]
DEPLOY = ROOT / "deploy"
HOST = "slo.example.com"
PAUSE = 0.02  # seconds, of each caller
KEY = "nginx-only-0123456789-abcdefghijklmnopqrstuvwxyz"
MAIN = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/slo-portal.conf;
}}
"""


class Web:
    """gunicorn on a socket that is held open for it, as systemd does for slo-portal-web.service."""

    def __init__(self, data: Path, door: socket.socket) -> None:
        unit = (DEPLOY / "systemd" / "slo-portal-web.service").read_text()
        _, *given = shlex.split(re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)[1])
        activated = f'exec 3<&{door.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
        self.command = ["bash", "-c", activated, "-", sys.executable, *given]
        given = {"DATABASE_URL": database_url(), "SECRET_KEY": KEY, "ALLOWED_HOSTS": f"{HOST},127.0.0.1"}
        given |= {"HTTPS": "true", "TRUSTED_PROXIES": "127.0.0.1", "STATEMENT_TIMEOUT_MS": "5000"}
        self.env, self.door = environment(data, **given), door
        collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0"]
        subprocess.run(collect, cwd=ROOT, env=self.env, check=True)
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, cwd=ROOT, env=self.env, pass_fds=[self.door.fileno()])

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(40) == 0

    def workers(self) -> set[int]:
        return {child.pid for child in psutil.Process(self.process.pid).children()}


def certificate(folder: Path) -> None:
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={HOST}", "-days", "2"]
    files = ["-keyout", str(folder / "portal.key"), "-out", str(folder / "portal.crt")]
    subprocess.run([*make, *files], check=True, capture_output=True)


def configured(folder: Path, upstream: int, ports: Mapping[str, int]) -> Path:
    """Our configuration as it stands, but for ports and folders of this machine."""
    text = (DEPLOY / "nginx" / "slo-portal.conf").read_text()
    local = (DEPLOY / "nginx" / "upstream-local.conf").read_text()
    (folder / "upstream.conf").write_text(local.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}"))
    text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.MULTILINE)
    for port, ours in ports.items():
        text = text.replace(f"listen {port} ", f"listen 127.0.0.1:{ours} ")
    for there, here in (("nginx/tls", ""), ("nginx/slo-portal-upstream.conf", "upstream.conf")):
        text = text.replace(f"/etc/{there}", str(folder / here))
    (folder / "slo-portal.conf").write_text(text.replace("/var/cache/nginx/slo-portal", str(folder / "cache")))
    main = folder / "nginx.conf"
    main.write_text(MAIN.format(folder=folder, user="user root;" if os.getuid() == 0 else ""))
    return main


class Site:
    """What callers reach: nginx, and the web server behind it."""

    token = ""

    def __init__(self, web: Web, ports: Mapping[str, int]) -> None:
        self.web, self.ports = web, ports
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE

    def call(
        self, path: str, body: bytes | None = None, plain: bool = False, **headers: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        scheme, port = ("http", "80") if plain else ("https", "443")
        address = f"{scheme}://127.0.0.1:{self.ports[port]}{path}"
        given = {"Host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
        opener = urllib.request.build_opener(Straight, urllib.request.HTTPSHandler(context=self.context))
        try:
            request = urllib.request.Request(address, body, given)  # noqa: S310 - an address of ours
            with opener.open(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def post(self, rows: list[dict[str, Any]]) -> tuple[int, Mapping[str, str], bytes]:
        body = json.dumps({"invoices": rows}).encode()
        return self.call("/api/v1/metrics/invoices", body, **self.authorized)

    @property
    def authorized(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Content_Type": "application/json"}


class Straight(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


@pytest.fixture(scope="module")
def served(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    certificate(folder)
    ports = {"80": free_port(), "443": free_port()}
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as door:
        main = configured(folder, door.getsockname()[1], ports)
        checked = subprocess.run(["nginx", "-t", "-c", str(main)], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
        web = Web(folder / "data", door)
        nginx = subprocess.Popen(["nginx", "-c", str(main)])
        site = Site(web, ports)
        try:
            until(lambda: answers(ports["443"]))
            assert site.call("/health/ready")[0] == 200
            yield site
        finally:
            nginx.terminate()
            web.process.terminate()
            nginx.wait(20)
            web.process.wait(40)


@pytest.fixture
def site(served: Site, transactional_db: None) -> Site:
    organization = firm("ours")
    user = User.objects.create_user("client")
    Membership.objects.create(user=user, organization=organization, role="operator")
    served.token = issue(user, organization, name="load", scope="write")[1]
    return served


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(wanted: Callable[[], bool]) -> None:
    assert any(wanted() or threading.Event().wait(0.1) for _ in range(1200))


@contextmanager
def traffic(site: Site) -> Iterator[Counter[int]]:
    """Readers and writers that never rest; how often which status was answered."""
    seen: Counter[int] = Counter()
    done, number = threading.Event(), iter(range(10**9))

    def read() -> None:
        while not done.wait(PAUSE):
            seen[site.call("/login/")[0]] += 1

    def write() -> None:
        while not done.wait(PAUSE):
            seen[site.post([{"invoice_id": f"restart-{next(number)}"}])[0]] += 1

    threads = [threading.Thread(target=act) for act in (read, read, write, write)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        done.set()
        for thread in threads:
            thread.join(60)


def test_what_callers_see(site):
    status, headers, _ = site.call("/login/?next=/", plain=True)
    assert (status, headers["Location"]) == (308, f"https://{HOST}/login/?next=/")

    status, headers, page = site.call("/login/", Accept_Encoding="gzip")
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert "max-age=" in headers["Strict-Transport-Security"]
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert len(headers.get_all("Strict-Transport-Security")) == 1
    text = gzip.decompress(page).decode()
    sheet = re.search(r'href="(/static/portal\.[0-9a-f]+\.css)"', text)[1]
    for cached in ("MISS", "HIT"):
        status, headers, _ = site.call(sheet, Accept_Encoding="br")
        assert (status, headers["Content-Encoding"], headers["X-Cache"]) == (200, "br", cached)
        assert "immutable" in headers["Cache-Control"]

    status, headers, answer = site.post([{"invoice_id": "a", "uploaded_at": "2026-11-10T10:00:00Z"}])
    assert (status, json.loads(answer)["data"]["created"]) == (200, 1)
    assert site.call("/health/metrics")[0] == 200  # from this machine; nobody else, says the next line
    assert "deny all;" in (DEPLOY / "nginx" / "slo-portal.conf").read_text()
    assert site.call("/login/", Host="evil.example")[0] == 400


def test_too_large_is_said_in_the_form_that_the_caller_reads(site):
    body = b" " * (10 * 2**20 + 1)
    status, headers, answer = site.call("/api/v1/metrics/invoices", body, **site.authorized)
    assert (status, headers["Content-Type"]) == (413, "application/problem+json")
    told = json.loads(answer)
    assert (told["status"], told["success"]) == (413, False)
    status, headers, answer = site.call("/login/", body)
    assert (status, headers["Content-Type"]) == (413, "text/plain; charset=utf-8")
    just_right = b'{"invoices": []' + b" " * (9 * 2**20) + b"}"
    assert site.call("/api/v1/metrics/invoices", just_right, **site.authorized)[0] == 200


def test_nobody_is_refused_while_the_web_server_is_restarted(site):
    with traffic(site) as seen:
        for _ in range(2):  # new settings, or new code: workers one after the other
            before, workers = sum(seen.values()), site.web.workers()
            site.web.process.send_signal(signal.SIGHUP)
            until(lambda workers=workers: len(site.web.workers() - workers) == 2 and not site.web.workers() & workers)
            until(lambda before=before: sum(seen.values()) > before + 20)
        for _ in range(2):  # a new Python, or new packages: all of it
            before, first = sum(seen.values()), site.web.process.pid
            site.web.stop()
            site.web.start()
            until(lambda before=before: sum(seen.values()) > before + 20)
            assert site.web.process.pid != first
    assert set(seen) == {200}
    assert seen[200] > 80

    site.web.stop()  # and what it is like when nothing holds the port
    site.web.door.close()
    status, headers, answer = site.call("/api/v1/metrics/slos/dashboard", **site.authorized)
    assert (status, headers["Content-Type"], headers["Retry-After"]) == (503, "application/problem+json", "5")
    assert json.loads(answer)["status"] == 503
    assert site.call("/login/")[1]["Content-Type"] == "text/plain; charset=utf-8"
