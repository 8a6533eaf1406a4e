from collections.abc import Iterator
from typing import Any

import pytest

from tests.sink import Sink


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    """Servers on loopback for all kinds of channels, which the settings lead to and let through."""
    with Sink() as sink:
        settings.OUTGOING_ALLOWED = [f"127.0.0.1:{sink.http.port}"]
        settings.TWILIO_URL = sink.http.url("").rstrip("/")
        settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "AC123", "twilio-token-0123456789"
        settings.TWILIO_FROM = "+4930123456"
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.smtp.port
        yield sink
