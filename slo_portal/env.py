"""The environment, read once: `.env` beside manage.py first, real variables on top.

A value that cannot work never raises here: it is kept in `problems`, a harmless one stands in for it, and
`slo_portal.checks` reports it by name at start-up. A broken DATABASE_URL stands for no database at all, so that
nothing is ever written to another one by mistake.
"""

import hashlib
import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import environ

from accounts.addresses import Network, networks

BASE_DIR = Path(__file__).resolve().parent.parent
environ.Env.read_env(os.environ.get("ENV_FILE", BASE_DIR / ".env"), overwrite=False)


class Problem(NamedTuple):
    """One setting that cannot work: the id of its system check, what is wrong, the way out."""

    code: str
    message: str
    hint: str


problems: list[Problem] = []

YES, NO = {"1", "true", "yes", "on", "y", "t"}, {"0", "false", "no", "off", "n", "f"}
POSTGRES_SCHEMES = {"postgres", "postgresql", "psql", "pgsql"}
POSTGRESQL = {"ENGINE": "slo_portal.database", "CONN_HEALTH_CHECKS": True}
SMTP_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
BROKER_SCHEMES = {"redis", "rediss", "redis+socket"}
# What a Unix socket's address can hold (107 bytes, 103 on macOS) less the name of the socket itself, and characters
# that mean nothing in a URL or in libpq's list of hosts.
SOCKET_FOLDER = re.compile(r"[\w./+-]{1,88}", re.ASCII)


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def words(name: str, default: list[str]) -> list[str]:
    """A comma-separated list."""
    given = os.environ.get(name)
    return default if given is None else [word.strip() for word in given.split(",") if word.strip()]


def flag(name: str, default: bool) -> bool:
    value = (text(name) or str(default)).lower()
    if value not in YES | NO:
        problems.append(Problem("E001", f"{name} is {value!r}, which is neither true nor false.", "Set true or false."))
        return default
    return value in YES


def network_list(name: str, given: list[str]) -> list[Network]:
    """The addresses and networks of a setting."""
    found, wrong = networks(given)
    if wrong:
        hint = "Write addresses, or networks such as 10.0.0.0/8, separated by commas."
        problems.append(Problem("E030", f"{name} names {wrong[0]!r}, which is no network address.", hint))
    return found


def number(name: str, default: int, low: int, high: int) -> int:
    """A whole number from `low` to `high`."""
    value = text(name) or str(default)
    if not re.fullmatch(r"\d{1,18}", value, re.ASCII) or not low <= int(value) <= high:
        problems.append(
            Problem("E002", f"{name} is {value!r}.", f"Set a whole number from {low} to {high}, or leave it out.")
        )
        return default
    return int(value)


def _data_dir() -> Path:
    path = BASE_DIR / Path(text("DATA_DIR") or "var").expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
        writable = os.access(path, os.W_OK | os.X_OK)
    except OSError:
        writable = False
    if not writable:
        hint = "Give this user the right to write there, or name another folder in DATA_DIR."
        problems.append(Problem("E003", f"The data directory {path} is not a folder that can be written to.", hint))
    return path


DATA_DIR = _data_dir()


def socket_dir(data_dir: Path = DATA_DIR) -> Path:
    """Where the portal's own PostgreSQL and Valkey listen: a folder that no other user may enter.

    Inside `data_dir`, so that a second shell finds it whatever its TMPDIR is. An address that is too long for a Unix
    socket, or odd, gives way to a short one under the temporary directory, one per user and data directory.
    """
    inside = data_dir / "run"
    if SOCKET_FOLDER.fullmatch(str(inside)):
        return inside
    tag = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:10]
    return Path(tempfile.gettempdir()) / f"slo-portal-{os.getuid()}-{tag}"


def secret_key(data_dir: Path = DATA_DIR) -> str:
    """`SECRET_KEY`, or one made at the first start and kept in the data directory, readable by its owner only."""
    given = text("SECRET_KEY")
    if given:
        if len(given) < 32 or len(set(given)) < 8 or given.startswith("django-insecure-"):
            hint = "Set a random one of 50 characters, or leave it out: the portal makes its own."
            problems.append(Problem("E004", "SECRET_KEY can be guessed: too short, too uniform or an example.", hint))
        return given
    path = data_dir / "secret-key"
    try:
        if not path.exists():
            _write_once(path, secrets.token_urlsafe(50))
        return path.read_text().strip()
    except OSError as error:
        hint = "Make it readable and writable for this user, or set SECRET_KEY."
        problems.append(Problem("E005", f"The secret key in {path} cannot be used: {error.strerror}.", hint))
        return secrets.token_urlsafe(50)


def _write_once(path: Path, content: str) -> None:
    """Write a new file that nobody ever sees half written; whoever comes second keeps the first one's."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write(content)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def database(url: str) -> dict[str, Any]:
    """Django's settings for `url`; for the portal's own server when it is empty."""
    if not url:
        own = {"HOST": str(socket_dir()), "PORT": "5432", "USER": "slo", "NAME": "slo", "PASSWORD": ""}
        return {**POSTGRESQL, **own, "OPTIONS": {"connect_timeout": 2}}
    try:
        config = environ.Env.db_url_config(url) if urlsplit(url).scheme in POSTGRES_SCHEMES else {}
        config["HOST"] = unquote(config["HOST"])  # the folder of a socket comes as %2Frun%2Fpostgresql
        if not config["HOST"].startswith("/"):
            config["HOST"].encode("idna")  # raises for what can never be a name
        valid = bool(config["NAME"])
    except (ValueError, LookupError, TypeError, AttributeError):  # whatever a parser makes of a broken address
        valid = False
    if not valid:
        hint = "Write postgresql://user:password@host:5432/name, or leave it out: the portal starts its own PostgreSQL."
        problems.append(Problem("E006", "DATABASE_URL is not the address of a PostgreSQL database.", hint))
        return {**POSTGRESQL, "HOST": "database-url.invalid", "NAME": "none", "OPTIONS": {"connect_timeout": 2}}
    return {**config, **POSTGRESQL, "OPTIONS": {"connect_timeout": 2, **config.get("OPTIONS", {})}}


def broker(url: str) -> str:
    """Celery's address of the broker: `REDIS_URL`, or the portal's own server."""
    if not url:
        return f"redis+socket://{socket_dir()}/valkey.sock?virtual_host=0"
    try:
        parts = urlsplit(url)
        valid = parts.scheme in BROKER_SCHEMES and bool(parts.hostname or parts.scheme == "redis+socket")
        valid = valid and parts.port != 0  # reading it raises when it is no number
    except ValueError:
        valid = False
    if not valid:
        hint = "Write redis://:password@host:6379/0, or leave it out: the portal starts its own server."
        problems.append(Problem("E007", "REDIS_URL is not the address of a Redis or Valkey server.", hint))
        return "redis://redis-url.invalid"
    return url


class Smtp(NamedTuple):
    """Django's EMAIL_* settings."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False


def smtp(url: str) -> Smtp:
    """The mail server: smtp:// is not encrypted, smtp+starttls:// becomes so, smtps:// is from the beginning."""
    if not url:
        return Smtp()
    try:
        parts = urlsplit(url)
        port, user, password = parts.port or SMTP_PORTS[parts.scheme], parts.username or "", parts.password or ""
        if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError
    except (ValueError, KeyError):
        hint = "Write smtp+starttls://user:password@host:587 (smtps://, or smtp:// without encryption), @ and / in a "
        hint += "password as %40 and %2F, or leave it out: mail is kept for the mailbox page."
        problems.append(Problem("E010", "SMTP_URL is not the address of a mail server.", hint))
        return Smtp("smtp-url.invalid")
    starttls, tls = parts.scheme == "smtp+starttls", parts.scheme == "smtps"
    return Smtp(parts.hostname, port, unquote(user), unquote(password), starttls, tls)


def address(name: str, url: str) -> str:
    """An address of the web without a slash at its end, or "" for none."""
    try:
        parts = urlsplit(url)
        valid = not url or (parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0)
        valid = valid and url.isprintable() and not {" ", "@"} & set(url) and not parts.fragment
    except ValueError:
        valid = False
    if not valid:
        hint = "Write it as https://slo.example.com, or leave it out."
        problems.append(Problem("E011", f"{name} is not an address of the web.", hint))
        return ""
    return url.rstrip("/")


def datagrams(name: str, given: str) -> str:
    """ "host:port" or "unix:/path" of who takes datagrams, or "" for none."""
    host, _, port = given.rpartition(":")
    valid = given.startswith("unix:/") or (bool(host) and port.isascii() and port.isdigit() and 0 < int(port) < 65536)
    if given and not valid:
        hint = "Write it as 127.0.0.1:8125 or unix:/var/run/datadog/dsd.socket, or leave it out."
        problems.append(Problem("E015", f"{name} names neither a host with a port nor a socket.", hint))
        return ""
    return given


def pairs(name: str, given: list[str]) -> dict[str, str]:
    """Each "name=value"."""
    found = dict(word.partition("=")[::2] for word in given)
    if any(not key.strip() or not value or not (key + value).isprintable() for key, value in found.items()):
        problems.append(Problem("E015", f"{name} is no list of headers.", "Write it as api-key=secret,other=value."))
        return {}
    return {key.strip(): value.strip() for key, value in found.items()}
