"""What a new organisation starts with: objectives, a schedule, and who is told of alerts."""

import pytest
from django.core.management import call_command

from accounts.models import Organization
from alerts.models import Channel
from slo_portal.organizations import set_up
from tests.facts import NOON

pytestmark = pytest.mark.django_db


def addresses(slug):
    return Channel.objects.get(organization__slug=slug, for_operations=True).targets


def test_a_new_organisation_has_objectives_and_somebody_to_tell(settings):
    settings.ALERT_EMAIL_TO, settings.SMTP_URL = [], ""
    organization = Organization.objects.create(name="Firm", slug="firm")
    organization.refresh_from_db()
    assert set_up(organization, now=NOON) == 7
    assert organization.escalation_policies.count() == 3
    assert organization.rotas.get().starts_on == NOON.date()
    assert addresses("firm") == ["operations@localhost"]


def test_the_operations_team_of_the_environment_is_that_of_the_first_organisation(settings):
    settings.ALERT_EMAIL_TO, settings.SMTP_URL = ["ops@firm.example"], "smtp://mail.firm.example"
    Organization.objects.create(name="Other", slug="other")
    call_command("bootstrap", verbosity=0)
    assert (addresses("default"), addresses("other")) == (["ops@firm.example"], [])
    settings.ALERT_EMAIL_TO = ["new@firm.example"]
    call_command("bootstrap", verbosity=0)
    assert addresses("default") == ["ops@firm.example"]
