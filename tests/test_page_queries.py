"""What each page of the portal asks the database: a few things, and no more of them for many objectives."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from slos.models import SLODefinition
from tests.e2e import places
from tests.slos.worlds_to_show import show

pytestmark = pytest.mark.django_db
MOST = 12


def queries(client: Client, place: places.Place) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(place.path).status_code == place.status, place
    return len(asked)


def test_a_page_asks_little_and_no_more_for_500_objectives_than_for_7(client):
    house = places.furnish(show(datetime.now(UTC)))
    client.force_login(house.ada)
    found = list(places.portal(house))
    few = {place.name: queries(client, place) for place in found}
    pattern = house.slo
    SLODefinition.objects.bulk_create(
        SLODefinition(
            organization=house.organization, name=f"More {k}", sli_type=pattern.sli_type, target_percentage=95,
            target_value=5, target_unit="minutes", measurement_periods=["daily"],
        )
        for k in range(493)
    )  # fmt: skip
    many = {place.name: queries(client, place) for place in found}
    assert few == many
    assert {name: n for name, n in many.items() if n > MOST} == {}
