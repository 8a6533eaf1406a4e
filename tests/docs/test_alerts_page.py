"""docs/reference/alerts.md names every type of alert and every threshold, with the ranges and defaults that hold."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.validators import MaxValueValidator, MinValueValidator

from alerts.kinds import AlertType
from slos.models import SLOAlertType, SLODefinition
from slos.models.alerting import AlertRules
from slos.words import plain

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "alerts.md"
FIELDS = [field.name for field in AlertRules._meta.get_fields()]
THRESHOLDS = PAGE.read_text().partition("## Thresholds")[2]


@pytest.mark.parametrize("name", FIELDS)
def test_every_threshold_is_documented_as_it_is(name: str) -> None:
    field: Any = SLODefinition._meta.get_field(name)
    (found,) = [line for line in THRESHOLDS.splitlines() if line.startswith(f"| `{name}` |")]
    _, _, _, given, default, _ = (cell.strip() for cell in found.split("|"))
    expected = "none" if field.default is list else f"`{field.default}`" if field.choices else plain(field.default)
    assert default == expected
    for validator in field.validators:
        if isinstance(validator, MinValueValidator | MaxValueValidator):
            assert re.search(rf"\b{validator.limit_value}\b", given), (name, validator)


def test_every_type_of_alert_is_documented() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE))
    assert named >= {kind.value for kind in AlertType}


def test_an_objective_names_its_alerts_as_all_alerts_are_named() -> None:
    assert {kind.value for kind in SLOAlertType} < {kind.value for kind in AlertType}
