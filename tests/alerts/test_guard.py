"""Addresses inside are never connected to, however they are written and whatever a name or a redirect leads to."""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from alerts import transports
from alerts.transports import DeliveryError, guard, http
from alerts.transports.guard import AllowList
from tests.alerts.messages import NOW, outgoing
from tests.sink import Sink

PUBLIC = "93.184.215.14"

PRIVATE = [
    "0.0.0.1", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.255.1.2",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.192", "192.0.2.1", "192.88.99.1",
    "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "168.63.129.16",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::7f00:1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:10::1",
    "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
    "fe80::1%lo", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
OPEN = ["8.8.8.8", "1.1.1.1", PUBLIC, "100.63.255.255", "100.128.0.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111"]

HOSTS = [
    "127.0.0.1", "127.0.0.1.", "localhost", "LOCALHOST", "localhost.", "127.1", "127.0.1", "2130706433", "0x7f000001",
    "0x7f.1", "0x7f.0x0.0x0.0x1", "0177.0.0.1", "017700000001", "0177.1", "127.0.0.01", "0", "000.0.0.0",
    "①②⑦.⓪.⓪.①", "127。0。0。1", "\N{FULLWIDTH DIGIT ONE}27.1", "\N{FULLWIDTH LATIN SMALL LETTER L}ocalhost",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]",
    "[0000::0001]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "[2001:0:7f00:1::]", "[fe80::1]", "[fd00:ec2::254]", "[ff02::1]", "10.1.2.3", "167838211",
    "0xa.1.2.3", "169.254.169.254", "2852039166", "0xA9FEA9FE", "0251.0376.0251.0376", "192.168.1.1", "100.64.0.1",
    "224.0.0.1", "192.0.0.8", "255.255.255.255", "168.63.129.16",
]  # fmt: skip
NO_ADDRESSES = [
    "http://a@127.0.0.1/", "http://example.com@127.0.0.1/", "http://127.0.0.1:80@example.com/", "gopher://127.0.0.1/",
    "file:///etc/passwd", "ftp://127.0.0.1/", "http:127.0.0.1", "//127.0.0.1/", "http:///x", "http://127.0.0.1:0/",
    "http://example.com\\@127.0.0.1/", "http://exa\nmple.com/", "http://\t127.0.0.1/", "dict://127.0.0.1:6379/info",
    "unix:/var/run/x.sock", "http://[::1", "http://127.0.0.1:99999/", "http://a..b/", "http://[fe80::1%25lo]/",
    "http://[not-an-address]/", "",
]  # fmt: skip


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that this process connects to; those outside this machine are not reached."""
    found: list[str] = []
    connect = socket.socket.connect

    def noting(self: socket.socket, address: tuple[str, int]) -> None:
        found.append(address[0])
        if not ip_address(address[0]).is_loopback:
            raise OSError(101, "Network is unreachable")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", noting)
    return found


class Names:
    """A name server: the next answer for each question, the last one for ever."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked = 0

    def getaddrinfo(self, host, port, family=0, type=0, proto=0, flags=0):
        if host not in self.answers or flags & socket.AI_NUMERICHOST:
            return self.real(host, port, family, type, proto, flags)
        self.asked += 1
        answers = self.answers[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        families = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [(families[ip_address(one).version], type, 6, "", (one, port)) for one in addresses]

    real = staticmethod(socket.getaddrinfo)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    return names


@pytest.fixture
def canary(sink: Sink, settings: Any) -> Sink:
    """A server on loopback that nothing allows."""
    settings.OUTGOING_ALLOWED = []
    return sink


def post(url: str) -> transports.Receipt:
    return transports.send("webhook", {"url": url}, "", outgoing(), now=NOW)


def refused(url: str) -> str:
    with pytest.raises(DeliveryError) as caught:
        post(url)
    assert caught.value.permanent
    return str(caught.value)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_with_a_special_purpose_is_closed(address):
    assert not guard.allowed(address)


@pytest.mark.parametrize("address", OPEN)
def test_a_public_address_is_open(address):
    assert guard.allowed(address)


@pytest.mark.parametrize("host", HOSTS)
def test_no_spelling_of_an_inner_address_is_connected_to(canary, connects, host):
    assert "OUTGOING_ALLOWED" in refused(f"http://{host}:{canary.http.port}/x")
    assert connects == []
    assert canary.ledger.entries() == []


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_what_is_no_address_of_the_web_is_not_connected_to(connects, url):
    assert refused(url).startswith(("Enter", "This is not"))
    assert connects == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "①②⑦.⓪.⓪.①"])
def test_what_the_allow_list_names_is_reached_in_every_spelling(sink, settings, connects, host):
    settings.OUTGOING_ALLOWED = [f"127.0.0.0/8:{sink.http.port}"]
    assert post(f"http://{host}:{sink.http.port}/x").status == "200"
    assert connects == ["127.0.0.1"]


@pytest.mark.parametrize("entry", ["inside.example", "inside.example:{port}", "127.0.0.1", "127.0.0.1/32:{port}"])
def test_an_allowed_name_or_network_opens_a_name(sink, settings, names, entry):
    names.answers["inside.example"] = [["127.0.0.1"]]
    settings.OUTGOING_ALLOWED = [entry.format(port=sink.http.port)]
    assert post(f"http://Inside.Example.:{sink.http.port}/x").status == "200"
    assert sink.ledger.entries()[0].headers["Host"] == f"inside.example:{sink.http.port}"


@pytest.mark.parametrize("entry", ["other.example", "inside.example:1", "127.0.0.2", "127.0.0.0/8:1", "10.0.0.0/8"])
def test_another_name_network_or_port_opens_nothing(sink, settings, names, connects, entry):
    names.answers["inside.example"] = [["127.0.0.1"]]
    settings.OUTGOING_ALLOWED = [entry]
    refused(f"http://inside.example:{sink.http.port}/x")
    assert connects == []


def test_a_redirect_is_not_followed(sink, connects):
    sink.http.script.play("/x", f"302 {sink.http.url('/secret')}", f"307 {sink.http.url('/secret')}")
    for _ in range(2):
        with pytest.raises(DeliveryError, match="Redirects are not followed"):
            post(sink.http.url("/x"))
    assert [entry.target for entry in sink.ledger.entries()] == ["/x", "/x"]
    assert len(connects) == 2


def test_a_name_that_changes_its_address_gains_nothing(canary, names, connects):
    names.answers["rebinding.example"] = [[PUBLIC], ["127.0.0.1"]]
    with pytest.raises(DeliveryError):
        post(f"http://rebinding.example:{canary.http.port}/x")
    assert (connects, names.asked) == ([PUBLIC], 1)
    refused(f"http://rebinding.example:{canary.http.port}/x")  # now its address is an inner one
    assert connects == [PUBLIC]


def test_one_inner_address_closes_a_name(canary, names, connects):
    names.answers["mixed.example"] = [[PUBLIC, "127.0.0.1"]]
    refused(f"http://mixed.example:{canary.http.port}/x")
    assert connects == []


def test_the_next_address_is_tried_when_one_is_dead(sink, settings, names, connects):
    names.answers["two.example"] = [[PUBLIC, "127.0.0.1"]]
    settings.OUTGOING_ALLOWED = ["two.example"]
    assert post(f"http://two.example:{sink.http.port}/x").status == "200"
    assert connects == [PUBLIC, "127.0.0.1"]


def test_a_name_that_nobody_knows_is_tried_later(names):
    names.answers["unknown.example"] = [[]]
    with pytest.raises(DeliveryError, match="could not be resolved") as caught:
        post("http://unknown.example/x")
    assert not caught.value.permanent


def test_a_form_refuses_written_addresses_and_asks_no_name_server(names):
    names.answers["inside.example"] = [["127.0.0.1"]]
    for host in HOSTS:
        assert "url" in transports.wrong("slack", {"url": f"https://{host}/x"}), host
    asked = names.asked
    assert transports.wrong("slack", {"url": "https://inside.example/x"}) == {}
    assert names.asked == asked


NONSENSE = [
    "10.0.0.0/33",
    "10.0.0.1/8",
    "host:port",
    "host:0",
    "host:70000",
    "http://host",
    "a b",
    "8080",
    "10.0.0",
    "*",
]


@pytest.mark.parametrize("entry", NONSENSE)
def test_nonsense_in_the_allow_list_is_named(entry):
    with pytest.raises(ValueError, match=f"^{re.escape(entry)}$"):
        AllowList.read(["good.example", entry])


def test_an_allow_list_is_read():
    allow = AllowList.read(["Hooks.Example.:8080", "10.0.0.0/8", "fd00::1", "[fd00::/8]:443", "under_score"])
    assert allow.names_host("hooks.example", 8080)
    assert allow.names_host("under_score", 1)
    assert not allow.names_host("hooks.example", 80)
    assert allow.names_address("10.9.9.9", 1)
    assert allow.names_address("fd00::1", 80)
    assert allow.names_address("fd77::1", 443)
    assert not allow.names_address("fd77::1", 80)


@pytest.fixture
def secure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sink]:
    """A sink with a certificate for hooks.example that this process trusts."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    begin = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=3))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (tmp_path / "cert").write_bytes(certificate.public_bytes(pem))
    (tmp_path / "key").write_bytes(key.private_bytes(pem, plain, serialization.NoEncryption()))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    http._tls.cache_clear()
    with Sink() as sink:
        for server in (sink.http, sink.smtp):
            server.socket = context.wrap_socket(server.socket, server_side=True)
        yield sink
    http._tls.cache_clear()


def test_tls_keeps_the_name_while_the_checked_address_is_connected_to(secure, settings, names, connects):
    names.answers |= {"hooks.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]]}
    settings.OUTGOING_ALLOWED = ["127.0.0.1"]
    assert post(f"https://hooks.example:{secure.http.port}/x").status == "200"
    with pytest.raises(DeliveryError, match="certificate is not valid") as caught:
        post(f"https://other.example:{secure.http.port}/x")
    assert not caught.value.permanent
    assert [entry.headers["Host"] for entry in secure.ledger.entries()] == [f"hooks.example:{secure.http.port}"]
    assert connects == ["127.0.0.1", "127.0.0.1"]


@pytest.mark.parametrize(("host", "taken"), [("hooks.example", 1), ("other.example", 0)])
def test_a_mail_server_is_trusted_by_its_certificate_only(secure, settings, names, host, taken):
    names.answers[host] = [["127.0.0.1"]]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_SSL = host, secure.smtp.port, True
    with nullcontext() if taken else pytest.raises(DeliveryError):
        transports.send("email", {}, "ops@example.com", outgoing(), now=NOW)
    assert len(secure.ledger.entries()) == taken
