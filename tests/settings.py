"""The portal's settings for tests: none of this machine's own settings, servers and data."""

import os
from pathlib import Path

for name in (
    *("API_EXPORTS_PER_MINUTE", "API_INGESTS_PER_MINUTE", "API_READS_PER_MINUTE", "API_REFUSALS_PER_MINUTE"),
    *("API_EXPORTS_AT_ONCE", "API_WRITES_PER_MINUTE"),
    *("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DEBUG", "DEMO", "HTTPS", "METRICS_ENABLED", "PORT", "REDIS_URL"),
    *("SESSION_IDLE_MINUTES", "SESSION_MAX_HOURS", "TRUSTED_PROXIES"),
    *(
        "ALERT_EMAIL_ENABLED",
        "ALERT_EMAIL_TO",
        "ALERT_SLACK_ENABLED",
        "ALERT_SMS_ENABLED",
        "HEARTBEAT_URL",
        "DOGSTATSD_ADDRESS",
        "OTLP_ENDPOINT",
        "OTLP_HEADERS",
        "MAIL_FROM",
    ),
    *("OUTGOING_ALLOWED", "SECRET_KEY_FALLBACKS", "SITE_URL", "SMTP_URL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"),
    *("TWILIO_FROM", "TWILIO_URL"),
    *("SLO_DAILY_ENABLED", "SLO_HOURLY_ENABLED", "SLO_WEEKLY_ENABLED", "STATEMENT_TIMEOUT_MS", "SUPPORT_CONTACT"),
):
    os.environ.pop(name, None)
os.environ["ENV_FILE"] = os.devnull
os.environ["DATA_DIR"] = str(Path(__file__).resolve().parent.parent / "var" / "test")
os.environ["SECRET_KEY"] = "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz"

from accounts import reach  # noqa: E402
from slo_portal.settings import *  # noqa: E402, F403
from slo_portal.settings import DATABASES, STATIC_ROOT, STORAGES  # noqa: E402

DATABASES["default"]["OPTIONS"].pop("pool")  # a connection of its own for each test's thread
Path(STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # WhiteNoise warns of a missing folder
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast; nothing here is secret
reach.by_default(reach.EVERYTHING)  # a test looks at all there is; requests and tasks begin with nothing
