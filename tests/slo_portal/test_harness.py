"""The database of the tests is the one of production."""

import pytest
from django.db import OperationalError, ProgrammingError, connection, connections, transaction

from accounts.models import Organization

pytestmark = pytest.mark.django_db


def user_of_the_session() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return cursor.fetchone()[0]


def test_tests_speak_as_the_role_that_owns_nothing():
    assert user_of_the_session() == "slo_portal"
    with pytest.raises(ProgrammingError, match="must be owner"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_organization ADD COLUMN mine int")


def test_a_connection_that_lost_its_role_on_the_way_is_not_used():
    other = connections["default"].copy()
    other.ensure_connection()  # as it is, it may
    other.close()
    other.settings_dict["OPTIONS"]["options"] = ""
    with pytest.raises(OperationalError, match="Connect without a pooler"):
        other.ensure_connection()
    other.close()


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_begins_with_empty_tables(turn):
    assert not Organization.objects.exists()
    Organization.objects.create(name="One", slug="one")
    assert Organization.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_so_does_one_that_really_commits(turn):
    assert not Organization.objects.exists()
    Organization.objects.create(name="One", slug="one")
    assert Organization.objects.exists()


def test_a_real_broker_is_there(valkey):
    assert valkey.ready()
