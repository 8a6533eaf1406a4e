"""The web client that was there first: the addresses that it calls, and every field that it reads, by name."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from slos.models import SLODefinition
from tests.alerts.alerting import a_channel, an_alert, tell
from tests.calling import Caller, data
from tests.slo_portal.recorded import NOW, a_busy_firm

pytestmark = pytest.mark.django_db
IDENTITY = "id,name,description,sli_type,target_percentage,target_value,target_unit"
COUNTS = "good_events_count,total_events_count"
LATEST = f"period_start,period_end,achieved_percentage,actual_value,error_budget_consumed,{COUNTS}"
ALERT = (
    "id,slo_definition_id,measurement_id,alert_type,severity,title,message,current_value,target_value,breached_at,"
    "acknowledged_at,acknowledged_by,resolved_at,resolution_notes,notification_sent,notification_attempts,"
    "last_notification_at,created_at,updated_at"
)
PERIOD = "start_date,end_date,days"
TREND = "volume_trends[]{period,total_invoices,successful_invoices,success_rate}"
READS = {  # name[] is a list that is not empty
    "GET slos/dashboard?time_range_days=30": f"time_range{{{PERIOD}}},summary{{total_slos,healthy_slos,"
    f"warning_slos,critical_slos,no_data_slos}},slos[]{{{IDENTITY},status,latest_measurement{{{LATEST}}},error_budget,burn_rates,"
    "recent_alerts[]{id,type,severity,title,created_at},alert_count},"
    "alerts[]{id,slo_name,type,severity,title,message,created_at}",
    "GET slos/definitions?active_only=true": f"definitions[]{{{IDENTITY},error_budget_percentage,"
    "alerting_threshold_percentage,measurement_period,measurement_periods,burn_rate_alert_threshold,is_active,"
    "slos_owner,notification_channels,created_at,updated_at},count,active_only",
    "GET slos/{slo}/measurements?days=30&limit=100": f"slo{{{IDENTITY}}},measurements[]{{id,period_start,period_end,"
    "measurement_period,actual_value,target_value,achieved_percentage,error_budget_consumed,good_events_count,"
    "total_events_count,pending_events_count,measurement_metadata,created_at},summary{latest_achieved_percentage,"
    "average_achieved_percentage,min_achieved_percentage,max_achieved_percentage,latest_error_budget_consumed,"
    f"average_error_budget_consumed,measurements_count}},period{{{PERIOD}}},pagination{{limit,next_cursor,has_more}}",
    "GET alerts?resolved=false&limit=50&offset=0": f"alerts[]{{{ALERT}}},"
    "pagination{total_count,limit,offset,has_more},filters",
    "GET kpis/summary?days=7": f"period{{{PERIOD}}},volume{{total_invoices,successful_invoices,"
    "invoices_with_exceptions},"
    "performance{processing_success_rate,exception_rate,average_processing_time_seconds,"
    "average_processing_time_minutes,average_extraction_confidence},"
    "summary{daily_average_invoices,success_rate_grade,performance_trend},straight_through_rate,percentiles,comparison",
    "GET metrics/invoice-trends?days=30&granularity=daily": f"{TREND},processing_trends[]{{period,"
    "avg_processing_time_seconds,avg_processing_time_minutes,sample_size},"
    f"confidence_trends[]{{period,avg_confidence,sample_size}},period{{{PERIOD},granularity}}",
    "POST alerts/{alert}/acknowledge": "alert_id,acknowledged_at,acknowledged_by",
    "POST alerts/{alert}/resolve": "alert_id,resolved_at,resolution_notes",
    "POST slos/initialize": "task,initiated_by,initiated_at",
    "POST measurements/calculate?period=hourly&hours_back=24": "period,period_start,period_end,hours_back,initiated_by,"
    "initiated_at,task_id",
}


def balanced(text: str) -> bool:
    return text.count("{") == text.count("}")


@pytest.fixture
def api() -> Iterator[Caller]:
    with time_machine.travel(NOW, tick=False):
        found = a_busy_firm()
        for slo in SLODefinition.objects.all():
            an_alert(found.organization, slo.sli_type, now=NOW)
        yield found


def missing(value: Any, wanted: str, place: str = "data") -> list[str]:
    """What is not there, of `a,b{c,d},e[]{f}`."""
    found: list[str] = []
    for name, several, inner in parts(wanted):
        if name not in value:
            found.append(f"{place}.{name}")
        elif inner:
            each = value[name] if several else [value[name]]
            found += [f"{place}.{name} is empty"] * (not each)
            found += [lack for one in each for lack in missing(one, inner, f"{place}.{name}")]
    return found


def parts(wanted: str) -> Iterator[tuple[str, bool, str]]:
    """(name, whether it is a list, what is wanted of it), read with brackets within brackets."""
    while wanted:
        head = re.match(r"(\w+)(\[\])?", wanted)
        assert head, wanted
        rest = wanted[head.end() :]
        end = next(n for n in range(len(rest) + 1) if rest[n : n + 1] in ("", ",") and balanced(rest[:n]))
        yield head[1], bool(head[2]), rest[1 : end - 1] if rest.startswith("{") else ""
        wanted = rest[end + 1 :]


def test_every_field_that_it_reads_is_there(api: Caller) -> None:
    alert = api.organization.alerts.get(slo__sli_type="time_to_ready")
    tell(alert, a_channel(api.organization), now=NOW)
    for call, wanted in READS.items():
        method, path = call.format(slo=alert.slo_id, alert=alert.pk).split(" ", 1)
        answer = api.request(method, path)
        assert answer.json().keys() == {"success", "data", "message"}
        assert missing(data(answer), wanted) == [], call


def test_a_field_that_is_not_there_would_be_missed() -> None:
    told = {"a": 1, "b": {"c": None}, "e": [{"f": 1}, {"f": 2, "g": 3}], "h": []}
    assert missing(told, "a,b{c},e[]{f},h") == []
    assert missing(told, "x,b{c,d},e[]{f,g},h[]{i}") == ["data.x", "data.b.d", "data.e.g", "data.h is empty"]
