"""After the secret key was changed, one command makes the old one needless."""

import json

import pytest
from django.core.management import call_command

from accounts.models import User
from accounts.second_factor import begin, secret_of
from alerts import secrets
from alerts.models import Channel
from tests.facts import firm

pytestmark = pytest.mark.django_db
OLD, NEW = "old" * 20, "new" * 20
CONFIG = {"url": "https://hook.example.com/x"}


@pytest.fixture
def dana(settings):
    """With a second factor and a channel, both of the time of the old key, which is kept beside the new one."""
    settings.SECRET_KEY = OLD
    dana = User.objects.create_user("dana")
    begin(dana)
    Channel.objects.create(organization=firm(), name="Hook", kind="webhook", secret=secrets.seal(CONFIG))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    return dana


def test_all_secrets_can_be_read_without_the_old_key(dana, settings, capsys):
    before = secret_of(dana)
    call_command("rotate_secrets")
    assert capsys.readouterr().out == "2 secrets are encrypted with the present SECRET_KEY.\n"
    settings.SECRET_KEY_FALLBACKS = []
    dana.refresh_from_db()
    assert secret_of(dana) == before != ""
    assert secrets.reveal(Channel.objects.get().secret) == CONFIG


def test_what_cannot_be_read_is_named_and_stays(dana, settings, capsys):
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(SystemExit, match="1"):
        call_command("rotate_secrets", "--json")
    said = json.loads(capsys.readouterr().out)
    assert said == {"dry_run": False, "rotated": 0, "unreadable": ["channel Hook", "user dana"]}
    settings.SECRET_KEY_FALLBACKS = [OLD]
    assert secrets.reveal(Channel.objects.get().secret) == CONFIG


def test_a_dry_run_changes_nothing(dana, settings):
    call_command("rotate_secrets", "--dry-run")
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(secrets.Unreadable):
        secrets.reveal(Channel.objects.get().secret)
