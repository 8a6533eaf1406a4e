"""Definitions that make no sense are refused, whoever makes them: the admin, a file or a program."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Organization
from slos import catalogue, sensible
from slos.models import SLODefinition

D = Decimal


@pytest.mark.parametrize(
    ("target", "budget", "highest"),
    [
        ("85", None, "6.67"),
        ("90", None, "10"),
        ("95", None, "20"),
        ("98", None, "50"),
        ("99.9", None, "1000"),
        ("90", "5", "20"),
    ],
)
def test_a_burn_rate_threshold_stays_below_the_highest_possible_one(target, budget, highest):
    share = D(budget) if budget else 100 - D(target)
    ceiling = 100 / share
    below = ceiling - D("0.001")
    assert sensible.burn_rates(share, below, below) == {}
    for threshold in (ceiling, ceiling + 1):
        wrong = sensible.burn_rates(share, D(1), threshold)
        assert list(wrong) == ["burn_rate_alert_threshold"]
        assert f"burn rate is {highest}," in wrong["burn_rate_alert_threshold"]
        assert f"burn rate is {highest}," in sensible.burn_rates(share, threshold, D(1))["burn_rate_warning_threshold"]


@pytest.mark.parametrize(
    ("budget", "fine"), [("0", False), ("-1", False), ("0.001", True), ("5", True), ("5.001", False)]
)
def test_a_budget_is_at_most_what_the_target_leaves(budget, fine):
    wrong = sensible.budget(D(95), D(budget))
    assert (wrong == {}) == fine
    assert fine or "at most 5," in wrong["error_budget_percentage"]


@pytest.mark.parametrize(
    ("seconds", "fine"), [("0", False), ("0.9", False), ("1", True), ("7776000", True), ("7776000.1", False)]
)
def test_a_limit_lies_between_a_second_and_90_days(seconds, fine):
    assert (sensible.limit(D(seconds)) == {}) == fine


def definition(**changed):
    fields = {
        "organization": Organization.objects.first() or Organization.objects.create(name="Ours", slug="ours"),
        "name": "Objective", "sli_type": "time_to_ready", "target_percentage": D(95), "target_value": D(5),
        "target_unit": "minutes", "measurement_periods": ["daily"],
    }  # fmt: skip
    return SLODefinition(**{**fields, **changed})


@pytest.mark.django_db
def test_the_defaults_are_sensible():
    for fields in catalogue.defaults():
        slo = definition(**fields)
        value = slo.target_value
        slo.full_clean()
        assert slo.target_value == value


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"target_percentage": D("99.999"), "burn_rate_alert_threshold": D(2)}, None),
        ({"target_percentage": D("49.999")}, "target_percentage"),
        ({"target_percentage": D(100)}, "target_percentage"),
        ({"target_percentage": None}, "target_percentage"),
        ({"target_percentage": "much"}, "target_percentage"),
        ({"error_budget_percentage": D(6)}, "error_budget_percentage"),
        ({"error_budget_percentage": "little"}, "error_budget_percentage"),
        ({"burn_rate_alert_threshold": D(20)}, "burn_rate_alert_threshold"),
        ({"burn_rate_alert_threshold": D("0.5")}, "burn_rate_alert_threshold"),
        ({"alerting_threshold_percentage": D(95)}, "alerting_threshold_percentage"),
        ({"alerting_threshold_percentage": D("94.99")}, None),
        ({"alerting_threshold_percentage": D(96), "critical_threshold_percentage": D(99)}, None),
        ({"alerting_threshold_percentage": D(5)}, "alerting_threshold_percentage"),
        ({"critical_threshold_percentage": D(100)}, "critical_threshold_percentage"),
        ({"burn_rate_warning_threshold": D(2)}, None),
        ({"burn_rate_warning_threshold": D("2.1")}, "burn_rate_warning_threshold"),
        ({"burn_rate_warning_threshold": "fast"}, "burn_rate_warning_threshold"),
        ({"burn_rate_alert_threshold": D("NaN")}, "burn_rate_alert_threshold"),
        ({"target_percentage": D(50)}, "burn_rate_alert_threshold"),
        ({"target_percentage": D(50), "burn_policy": "sre"}, None),
        ({"burn_policy": "loose"}, "burn_policy"),
        ({"burn_rate_alert_hours": 0}, "burn_rate_alert_hours"),
        ({"burn_rate_alert_hours": 169}, "burn_rate_alert_hours"),
        ({"burn_rate_warning_hours": 24, "window_days": 1}, None),
        ({"burn_rate_warning_hours": 25, "window_days": 1}, "burn_rate_warning_hours"),
        ({"critical_performance_percentage": D(95)}, None),
        ({"critical_performance_percentage": D("95.01")}, "critical_performance_percentage"),
        ({"critical_performance_percentage": D(0)}, "critical_performance_percentage"),
        ({"consecutive_failures": 0}, "consecutive_failures"),
        ({"min_events": 0}, "min_events"),
        ({"min_bad": -1}, "min_bad"),
        ({"confidence": D("-0.1")}, "confidence"),
        ({"resolve_after_minutes": 4}, "resolve_after_minutes"),
        ({"alert_types_off": ["critical_performance"]}, None),
        ({"alert_types_off": ["stale_feed"]}, "alert_types_off"),
        ({"target_value": D(0)}, "target_value"),
        ({"target_value": None}, "target_value"),
        ({"target_value": "long"}, "target_value"),
        ({"target_value": D(91), "target_unit": "days"}, "target_value"),
        ({"target_unit": "percent"}, "target_unit"),
        ({"target_unit": "parsecs"}, "target_unit"),
        ({"sli_type": "extraction_accuracy", "target_unit": "percent"}, "target_unit"),
        ({"sli_type": "duplicate_recall", "target_unit": "minutes"}, "target_unit"),
        ({"sli_type": "luck"}, "sli_type"),
        ({"measurement_periods": []}, "measurement_periods"),
        ({"measurement_periods": None}, "measurement_periods"),
        ({"measurement_periods": ["daily", "daily"]}, "measurement_periods"),
        ({"measurement_periods": ["yearly"]}, "measurement_periods"),
        ({"window_days": 91}, "window_days"),
        ({"window_days": 0}, "window_days"),
        ({"window": "year"}, "window"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(changed, field):
    slo = definition(**changed)
    if field is None:
        return slo.full_clean()
    with pytest.raises(ValidationError) as refused:
        slo.full_clean()
    assert field in refused.value.message_dict


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sli_type", "unit", "value"),
    [("extraction_accuracy", "confidence", D("0.93")), ("validation_pass_rate", "percent", D(93))],
)
def test_the_target_value_of_a_rate_follows_its_target(sli_type, unit, value):
    slo = definition(sli_type=sli_type, target_unit=unit, target_percentage=D(93), target_value=D(1))
    slo.full_clean()
    assert slo.target_value == value
