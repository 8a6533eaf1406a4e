"""Django's settings. What an operator may change comes from the environment (docs/reference/settings.md)."""

from pathlib import Path

import drf_spectacular_sidecar
from csp.constants import NONE, SELF

from slo_portal.env import (
    BASE_DIR,
    DATA_DIR,
    address,
    broker,
    database,
    datagrams,
    flag,
    network_list,
    number,
    pairs,
    secret_key,
    smtp,
    text,
    words,
)

# --- what an operator sets -------------------------------------------------------------------------------
DEBUG = flag("DEBUG", False)
SECRET_KEY = secret_key()
SECRET_KEY_FALLBACKS = words("SECRET_KEY_FALLBACKS", [])
PORT = number("PORT", 8000, 1, 65535)
ALLOWED_HOSTS = words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
HTTPS = flag("HTTPS", False)
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS", [])
TRUSTED_PROXIES = network_list("TRUSTED_PROXIES", words("TRUSTED_PROXIES", []))
SESSION_IDLE_MINUTES = number("SESSION_IDLE_MINUTES", 480, 1, 525_600)
SESSION_MAX_HOURS = number("SESSION_MAX_HOURS", 168, 1, 8760)
SUPPORT_CONTACT = text("SUPPORT_CONTACT")
DEMO = flag("DEMO", False)
DATABASE_URL = text("DATABASE_URL")
REDIS_URL = text("REDIS_URL")
STATEMENT_TIMEOUT_MS = number("STATEMENT_TIMEOUT_MS", 0, 0, 86_400_000)

METRICS_ENABLED = flag("METRICS_ENABLED", True)
METRICS_TOKEN = text("METRICS_TOKEN")
METRICS_ALLOWED_NETWORKS = network_list("METRICS_ALLOWED_NETWORKS", words("METRICS_ALLOWED_NETWORKS", []))
SLO_HOURLY_ENABLED = flag("SLO_HOURLY_ENABLED", True)
SLO_DAILY_ENABLED = flag("SLO_DAILY_ENABLED", True)
SLO_WEEKLY_ENABLED = flag("SLO_WEEKLY_ENABLED", True)

SITE_URL = address("SITE_URL", text("SITE_URL") or f"http://127.0.0.1:{PORT}")
ALERT_EMAIL_ENABLED = flag("ALERT_EMAIL_ENABLED", True)
ALERT_SLACK_ENABLED = flag("ALERT_SLACK_ENABLED", False)
ALERT_SMS_ENABLED = flag("ALERT_SMS_ENABLED", False)
ALERT_EMAIL_TO = words("ALERT_EMAIL_TO", [])
SMTP_URL = text("SMTP_URL")
MAIL_FROM = text("MAIL_FROM") or "SLO portal <slo-portal@localhost>"
TWILIO_ACCOUNT_SID = text("TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKEN = text("TWILIO_AUTH_TOKEN")
TWILIO_FROM = text("TWILIO_FROM")
TWILIO_URL = address("TWILIO_URL", text("TWILIO_URL") or "https://api.twilio.com")
OUTGOING_ALLOWED = words("OUTGOING_ALLOWED", [])
HEARTBEAT_URL = address("HEARTBEAT_URL", text("HEARTBEAT_URL"))
DOGSTATSD_ADDRESS = datagrams("DOGSTATSD_ADDRESS", text("DOGSTATSD_ADDRESS"))
OTLP_ENDPOINT = address("OTLP_ENDPOINT", text("OTLP_ENDPOINT"))
OTLP_HEADERS = pairs("OTLP_HEADERS", words("OTLP_HEADERS", []))

# requests a minute: of a token or session, of exports of it, and of an address that nobody is known from; 0 is no limit
API_LIMITS = {
    "read": number("API_READS_PER_MINUTE", 6_000, 0, 1_000_000),
    "write": number("API_WRITES_PER_MINUTE", 1_200, 0, 1_000_000),
    "ingest": number("API_INGESTS_PER_MINUTE", 30_000, 0, 1_000_000),
    "export": number("API_EXPORTS_PER_MINUTE", 60, 0, 1_000_000),
    "stranger": number("API_REFUSALS_PER_MINUTE", 600, 0, 1_000_000),
}
API_EXPORTS_AT_ONCE = number("API_EXPORTS_AT_ONCE", 4, 0, 1_000)  # of an organisation

# --- the house -------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "slo_portal.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django_prometheus",
    "django_celery_beat",
    "django_htmx",
    "simple_history",
    "rest_framework",
    "accounts",
    "kpis",
    "slos",
    "alerts",
    "slo_portal.reports",
    "monitoring",
    "slo_portal",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "monitoring.middleware.NoSession",  # before whatever reads a cookie
    "accounts.middleware.Reach",
    "accounts.middleware.RequestIds",
    "accounts.middleware.ProblemsUnderApi",
    "csp.middleware.CSPMiddleware",  # before whatever may answer by itself
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.Sessions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

if DEMO:
    MIDDLEWARE.insert(0, "slo_portal.marked.Marked")

ROOT_URLCONF = "slo_portal.urls"
WSGI_APPLICATION = "slo_portal.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "slo_portal.context.portal",
            ],
        },
    },
]

# --- data ------------------------------------------------------------------------------------------------
# "default" speaks as a role that owns nothing and cannot bypass row security; "owner" is for migrations only.
APPLICATION_ROLE = "slo_portal"
# The role is a start-up option, not `assume_role`: the pool cannot set that one, and RESET ROLE leads back to it.
_owner = database(DATABASE_URL)
_session = {"role": APPLICATION_ROLE, "statement_timeout": STATEMENT_TIMEOUT_MS}
if STATEMENT_TIMEOUT_MS:  # set for web and worker; a command may take its time
    _session |= {"lock_timeout": 2000, "idle_in_transaction_session_timeout": 30_000}
DATABASES = {
    "default": {
        **_owner,
        "OPTIONS": {
            **_owner["OPTIONS"],
            "options": " ".join(f"-c {name}={value}" for name, value in _session.items()),
            # a pool that tries for long waits longer and longer: five seconds after an outage all is well again
            "pool": {"min_size": 1, "max_size": 10, "timeout": 3, "reconnect_timeout": 5},
        },
    },
    "owner": _owner,
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
FORMAT_MODULE_PATH = "slo_portal.formats"
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

# --- background work -------------------------------------------------------------------------------------
CELERY_BROKER_URL = broker(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 2, "socket_connect_timeout": 2, "visibility_timeout": 3600}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_EXPIRES = None  # else beat adds a clean-up of results, of which there are none
CELERY_WORKER_REDIRECT_STDOUTS = False  # a traceback stays in one piece
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 1800
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "slo_portal.scheduler:Scheduler"
CELERY_BEAT_SYNC_EVERY = 1

# --- mail ------------------------------------------------------------------------------------------------
_mail_server = smtp(SMTP_URL)
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend" if SMTP_URL else "alerts.mailbox.MailboxBackend"
EMAIL_HOST, EMAIL_PORT = _mail_server.host, _mail_server.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail_server.user, _mail_server.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail_server.starttls, _mail_server.tls
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = MAIL_FROM

# --- pages, API, files -----------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
SWAGGER_UI = Path(drf_spectacular_sidecar.__file__).parent / "static" / "drf_spectacular_sidecar" / "swagger-ui-dist"
STATICFILES_DIRS = [BASE_DIR / "static", ("vendor/swagger-ui", SWAGGER_UI)]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True  # the first start compresses a third of what it would
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "accounts.authentication.PortalSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "accounts.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}

# --- security --------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
COOKIE_PREFIX = "__Host-" if HTTPS else ""  # a browser takes these from no neighbouring host and no plain connection
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid", f"{COOKIE_PREFIX}csrftoken"
SESSION_COOKIE_AGE = SESSION_MAX_HOURS * 3600
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # probes and Prometheus call from inside
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(request_id)s%(message)s"}},
    "filters": {"request_id": {"()": "accounts.request_ids.InLog"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {name: {"level": "INFO"} for name in ("accounts", "kpis", "slos", "alerts", "monitoring", "slo_portal")},
}
