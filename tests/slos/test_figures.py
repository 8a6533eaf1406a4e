"""The history of the budgets, and the chart that a worker draws of it."""

from datetime import UTC, datetime, timedelta

import pytest
from django_celery_beat.models import PeriodicTask

from kpis.periods import BUCKET, midnight
from slo_portal import schedule, tasks
from slos import figures, history, snapshots
from slos.budget import consumed, percent
from slos.models import Figure, SLODefinition
from slos.tick import tick
from slos.windows import window_of
from tests.slos.worlds_to_show import NOW, add, invoice, page, show

pytestmark = pytest.mark.usefixtures("clock")


@pytest.mark.django_db
@pytest.mark.parametrize("window", ["rolling", "week", "month", "quarter"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu"])
def test_the_past_is_what_a_snapshot_of_that_moment_would_say(window, zone):
    organization = show(NOW, zone=zone)
    organization.slos.update(window=window, window_days=7)
    slos = list(organization.slos.all())
    days = history.ends_of_days(organization, 20, NOW)
    left = history.budget_left(organization, slos, [end for _, end in days])
    for k, (_, end) in enumerate(days):
        for row in snapshots.compute(organization, slos, now=end - BUCKET):
            spent = consumed(window_of(row.slo, row, end).counts, row.slo.budget)
            assert left[row.slo.pk][k] == (None if spent is None else percent(1 - spent))
    assert len({value for values in left.values() for value in values}) >= 3  # there was something to compare


@pytest.mark.django_db
def test_days_end_at_local_midnight_and_are_over():
    organization = show(NOW, zone="Europe/Berlin")
    days = history.ends_of_days(organization, 30, NOW)
    assert len(days) == 30
    assert days[-1][1] == midnight(NOW.date(), organization.time_zone) == datetime(2026, 11, 9, 23, tzinfo=UTC)
    assert {(end - start) for start, end in days} == {timedelta(hours=24), timedelta(hours=25)}  # 25 October


@pytest.mark.django_db
def test_a_chart_is_drawn_again_only_when_something_has_changed():
    organization = show(NOW)
    assert figures.refresh(organization, now=NOW)
    later = NOW + timedelta(seconds=50)
    tick(organization, now=later)
    assert not figures.refresh(organization, now=later)
    add(organization, [invoice("new", NOW - timedelta(days=3), late=True)], later)
    assert figures.refresh(organization, now=later + timedelta(seconds=1))
    assert Figure.objects.count() == 1


@pytest.mark.django_db
def test_a_changed_definition_redraws_the_chart(clock):
    organization = show(NOW)
    figures.refresh(organization, now=NOW)
    clock.shift(timedelta(seconds=5))
    assert not figures.refresh(organization, now=NOW + timedelta(seconds=5))
    slo = SLODefinition.objects.get(organization=organization, sli_type="time_to_ready")
    slo.target_percentage = 80
    slo.save()
    assert figures.refresh(organization, now=NOW + timedelta(seconds=10))


@pytest.mark.django_db
def test_the_chart_has_a_line_per_objective_and_a_point_per_day():
    organization = show(NOW)
    content = figures.budget_left(organization, now=NOW)
    assert [trace["name"] for trace in content["data"]] == sorted(slo.name for slo in organization.slos.all())
    assert all(len(trace["x"]) == len(trace["y"]) == 30 for trace in content["data"])
    assert len({trace["line"]["dash"] for trace in content["data"]}) == 7


@pytest.mark.django_db
def test_of_many_objectives_the_chart_shows_the_worst(viewer, organization):
    for k in range(20):
        SLODefinition.objects.create(
            organization=organization, name=f"Easy {k}", sli_type="validation_pass_rate", target_percentage=50,
            target_value=50, target_unit="percent", measurement_periods=["daily"],
        )  # fmt: skip
    tick(organization, now=NOW)
    figures.refresh(organization, now=NOW)
    names = {trace["name"] for trace in Figure.objects.get().content["data"]}
    assert len(names) == figures.LINES
    assert {"Time-to-Ready Processing", "Approval Latency", "Processing Success Rate"} < names
    assert "Shown are the 12 worst." in page(viewer)


@pytest.mark.django_db
@pytest.mark.parametrize(("enabled", "drawn"), [(False, 0), (True, 1)])
def test_the_task_draws_unless_calculation_is_switched_off(enabled, drawn, organization, settings):
    settings.METRICS_ENABLED = enabled
    tasks.draw(str(organization.pk))
    assert Figure.objects.count() == drawn


@pytest.mark.django_db
def test_drawing_is_on_the_schedule_once():
    schedule.ensure()
    schedule.ensure()
    assert PeriodicTask.objects.get(task="slo_portal.tasks.charts").enabled
