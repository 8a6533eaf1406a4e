"""The environment, read once: `.env` beside manage.py first, real variables on top."""

import hashlib
import os
import secrets
import tempfile
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env", overwrite=False)

DATA_DIR = Path(env.str("DATA_DIR", default="var"))
if not DATA_DIR.is_absolute():
    DATA_DIR = BASE_DIR / DATA_DIR


def socket_dir(data_dir: Path = DATA_DIR) -> Path:
    """Where the portal's own PostgreSQL and Valkey listen, one folder per user and data directory.

    A Unix socket path may not pass 107 bytes, so it cannot live under a deep checkout.
    """
    tag = hashlib.sha256(str(data_dir).encode()).hexdigest()[:10]
    return Path(tempfile.gettempdir()) / f"slo-portal-{os.getuid()}-{tag}"


def secret_key(data_dir: Path = DATA_DIR) -> str:
    """`SECRET_KEY`, or one made at the first start and kept in the data directory, readable by its owner only."""
    given = env.str("SECRET_KEY", default="")
    if given:
        return given
    path = data_dir / "secret-key"
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    return path.read_text().strip()


def database(url: str) -> dict:
    """Django's settings for `url`; for the portal's own server when it is empty."""
    if url:
        config = env.db_url_config(url)
    else:
        config = {"HOST": str(socket_dir()), "USER": "slo", "NAME": "slo", "PASSWORD": "", "PORT": ""}
    return {**config, "ENGINE": "django_prometheus.db.backends.postgresql", "CONN_HEALTH_CHECKS": True}


def broker(url: str) -> str:
    """Celery's address of the broker: `REDIS_URL`, or the portal's own server."""
    return url or f"redis+socket://{socket_dir()}/valkey.sock?virtual_host=0"
