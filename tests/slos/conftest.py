"""A moment, an organisation at that moment, and somebody who may look at it."""

import copy
from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from accounts.models import Organization
from tests.slos.worlds_to_show import NOW, member, show


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(scope="module")
def lasting_organization(lasting: None) -> Organization:
    with time_machine.travel(NOW, tick=False):
        return show(NOW)


@pytest.fixture
def organization(lasting_organization: Organization, clock: time_machine.Traveller, db: None) -> Organization:
    return copy.deepcopy(lasting_organization)


@pytest.fixture
def viewer(organization: Organization, client: Client) -> Client:
    client.force_login(member(organization))
    return client
