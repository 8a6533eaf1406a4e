"""Commands of the portal as a person at a terminal meets them."""

import json

import pytest
from django.core.management import CommandError, call_command

from accounts import tokens
from accounts.models import Membership, User
from slos.models import SLIMeasurement
from tests.facts import NOON, firm, invoice, slo

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization():
    organization = firm("default")
    user = User.objects.create_user("ada")
    Membership.objects.create(user=user, organization=organization, role=Membership.Role.ADMIN)
    return organization


def test_a_token_is_printed_once_and_only_its_hash_is_kept(organization, capsys):
    call_command("create_token", "ada", "--scope", "write", "--name", "ocr", "--expires", "30")
    secret = capsys.readouterr().out.strip()
    token = tokens.find(secret, now=NOON)
    assert token is not None
    assert (token.scope, token.name, token.organization) == ("write", "ocr", organization)
    assert secret not in {str(value) for value in vars(token).values()}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nobody"], "no active user 'nobody'"),
        (["ada", "--organization", "other"], "there are: default"),
        (["ada", "--expires", "0"], "1 to 3650"),
        (["stranger"], "no member of default"),
    ],
)
def test_a_token_that_cannot_be_made_says_why(organization, arguments, says):
    User.objects.create_user("stranger")
    with pytest.raises(CommandError, match=says):
        call_command("create_token", *arguments)


def test_a_range_is_calculated_and_told_as_json(organization, capsys):
    invoice(organization, "a", uploaded_at=0, ready_at=1, now=NOON)
    call_command("calculate_slis", "--period", "daily", "--from", "2026-11-09", "--to", "2026-11-12", "--json")
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert (result["organization"], result["period"]) == ("default", "daily")
    ready = SLIMeasurement.objects.filter(slo=slo(organization, "time_to_ready"))
    assert [row.total_events_count for row in ready.order_by("period_start")] == [0, 1, 0]
    assert result["rows"] == SLIMeasurement.objects.count() == 15


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--from", "yesterday"], "--from 'yesterday' is no ISO date"),
        (["--from", "2026-11-09T10:00"], "needs an offset"),
        (["--from", "2026-11-09", "--to", "2026-11-09"], "must lie before"),
        (["--organization", "nobody"], "no active organisation nobody"),
    ],
)
def test_a_range_that_cannot_be_says_why(organization, arguments, says):
    with pytest.raises(CommandError, match=says) as refusal:
        call_command("calculate_slis", *arguments)
    assert refusal.value.returncode == 2
