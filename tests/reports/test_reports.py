"""What a report says, that there is one of a period, that it stays as it was made, and how it reaches people."""

import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, User
from alerts.delivery import deliver
from alerts.models import Mail, Notification
from kpis import rollups
from kpis.params import Span
from slo_portal.reports import reading, writing
from slo_portal.reports.models import Report
from slos.models import SLOSnapshot
from slos.tick import tick
from tests.alerts.alerting import a_channel, an_alert, recover
from tests.calling import a_caller, data, lines
from tests.facts import NOON, firm, invoice, slo

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NEXT_MORNING = NOON + timedelta(hours=18, minutes=7)  # 06:07
WISH = {"start_date": "2026-11-10", "end_date": "2026-11-11"}


def told(organization, name, minute, *, late=False, vendor="Acme", now=None):
    """One invoice that is ready in time or late."""
    steps = {"uploaded_at": minute, "ready_at": minute + (9 if late else 2), "approved_at": minute + 10}
    done = {"completed_at": minute + 12, "processing_outcome": "succeeded"}
    invoice(organization, name, now=now or NOON + DAY / 4, vendor=vendor, **steps, **done)


def counted(organization, now):
    tick(organization, now=now)
    rollups.refresh(organization, now=now)


@pytest.fixture
def busy():
    """Yesterday 20 invoices, 2 of them late; today 20, 8 of them late, all of these from Bolt."""
    with time_machine.travel(NOON - 9 * DAY, tick=False):
        organization = firm()
    for n in range(20):
        told(organization, f"A{n}", n - 24 * 60, late=n < 2)
        told(organization, f"B{n}", n, late=n < 8, vendor="Bolt" if n < 10 else "Acme")
    counted(organization, NEXT_MORNING)
    return organization


def test_a_daily_report_holds_what_the_day_came_to(busy):
    alert = an_alert(busy, now=NOON)
    recover(alert, now=NOON + timedelta(minutes=30))
    an_alert(busy, "approval_latency", now=NOON + timedelta(hours=1))
    assert writing.write_due(busy, "daily", now=NEXT_MORNING) == 1
    report = Report.objects.get()
    assert report.title == "Daily report: Tuesday, 10 November 2026"
    [one] = [one for one in report.content["objectives"] if one["sli_type"] == "time_to_ready"]
    assert (one["good_events_count"], one["bad_events_count"], one["total_events_count"]) == (12, 8, 20)
    assert (one["met"], one["before_achieved_percentage"], one["change"]) == (False, 90.0, -30.0)
    assert one["standing"]["achieved_percentage"] == 75.0
    finding, other = report.content["findings"]
    assert finding["contributor"] == {
        "field": "vendor", "value": "Bolt", "bad": 8.0, "total_bad": 8.0, "share_percentage": 100.0, "times": 2.0,
    }  # fmt: skip
    assert "begin there" in finding["why"]
    assert (other["name"], other["why"]) == ("Approval Latency", "An alert of it was still open.")
    shown = {one["name"]: (one["value"], one["before"]) for one in report.content["kpis"]["shown"]}
    assert shown["total_invoices"] == (20, 20)
    alerts = report.content["alerts"]
    assert [alerts[name] for name in ("opened", "acknowledged", "resolved", "still_open")] == [2, 0, 1, 1]
    assert alerts["median_seconds_to_resolve"] == 1800
    unmeasured = [one for one in report.content["objectives"] if one["sli_type"] == "duplicate_recall"]
    assert [(one["met"], one["achieved_percentage"]) for one in unmeasured] == [(None, None)]


def test_the_figures_are_those_of_the_dashboard_and_lead_to_their_rows(busy):
    with time_machine.travel(NEXT_MORNING, tick=False):
        api = a_caller(busy)
        made = data(api.post("reports", WISH))
        entries = data(api.get("slos/dashboard?as_of=2026-11-11T00:00:00Z"))["slos"]
        for one, entry in ((one, entry) for one in made["content"]["objectives"] for entry in entries):
            if one["id"] == entry["id"]:
                assert one["standing"]["achieved_percentage"] == entry["error_budget"]["achieved_percentage"]
                assert one["standing"]["remaining_percentage"] == entry["error_budget"]["remaining_percentage"]
                assert one["standing"]["status"] == entry["status"]
        kpis = data(api.get("kpis/summary?start_date=2026-11-10&end_date=2026-11-11"))
        assert made["content"]["kpis"]["volume"] == kpis["volume"]
        [one] = [one for one in made["content"]["objectives"] if one["sli_type"] == "time_to_ready"]
        reader = Client()
        reader.force_login(api.user)
        assert b"<strong>8 bad</strong> of 20" in reader.get(one["bad_rows"]).content


def test_there_is_one_report_of_a_period_and_what_was_missed_is_made_up_for(busy):
    a_channel(busy)
    made = [
        writing.write_due(busy, "daily", now=NEXT_MORNING + after)
        for after in (-timedelta(minutes=8), timedelta(0), timedelta(0), 3 * DAY)
    ]
    assert made == [1, 1, 0, 3]
    days = list(Report.objects.order_by("first_day").values_list("first_day", flat=True))
    assert [day.day for day in days] == [9, 10, 11, 12, 13]
    assert Notification.objects.count() == 3  # the last one of each round
    writing.write_due(busy, "monthly", now=NOON + 20 * DAY + DAY)
    assert Report.objects.filter(kind="monthly").get().title == "Monthly report: November 2026"


def test_months_are_those_of_the_fiscal_year(busy):
    busy.fiscal_weeks = "4-4-5"
    busy.save()
    busy.slos.filter(sli_type="time_to_ready").update(window="month")
    counted(busy, NOON + 14 * DAY)  # Tuesday 24 November: the twelfth month has begun the day before
    writing.write_due(busy, "monthly", now=NOON + 14 * DAY)
    report = Report.objects.get(kind="monthly")
    assert report.title == "Monthly report: Month 11 of 2026: 26 October to 22 November 2026"
    row = SLOSnapshot.objects.get(slo__organization=busy, slo__sli_type="time_to_ready")
    assert (row.window_start, row.total) == (datetime(2026, 11, 23, tzinfo=UTC), 0)


def test_late_data_leaves_the_report_as_it_was_and_is_named(busy):
    writing.write_due(busy, "daily", now=NEXT_MORNING)
    report = Report.objects.get()
    assert reading.restated(report, now=NEXT_MORNING) == []
    told(busy, "B-late", 30, late=True, now=NEXT_MORNING)
    counted(busy, NEXT_MORNING + timedelta(minutes=5))
    found = {(one.name, one.figure): (one.stored, one.now) for one in reading.restated(report, now=NEXT_MORNING)}
    assert found["Invoices", "total_invoices"] == found["Time-to-Ready Processing", "total_events_count"] == (20, 21)
    assert ("Time-to-Ready Processing", "good_events_count") not in found
    assert Report.objects.get().content == report.content


@pytest.mark.django_db(transaction=True)
def test_it_is_mailed_once_and_never_in_a_bundle(busy, settings):
    settings.EMAIL_BACKEND = "alerts.mailbox.MailboxBackend"
    a_channel(busy)
    for kind, now in (("daily", NEXT_MORNING), ("weekly", NEXT_MORNING + 5 * DAY)):
        writing.write_due(busy, kind, now=now)
    for _ in range(2):
        deliver(busy, clock=lambda: NEXT_MORNING + 5 * DAY)
    found = sorted(Mail.objects.values_list("subject", "target"))
    assert found == [
        ("[report] Daily report: Tuesday, 10 November 2026", "ops@example.com"),
        ("[report] Weekly report: Week 46: 9 to 15 November 2026", "ops@example.com"),
    ]
    sent = Mail.objects.get(subject__contains="Weekly")
    weekly = Report.objects.get(kind="weekly")
    assert f"/reports/{weekly.pk}/" in sent.html
    assert f"/reports/{weekly.pk}/" in sent.text
    assert "- Time-to-Ready Processing: Missed" in sent.text
    assert "style=" in sent.html
    pictures = re.findall(r'<img src="data:image/png;base64,([^"]+)" alt="([^"]+)"', sent.html)
    assert [alt.partition(",")[0] for _, alt in pictures] == ["Error budget left at the end", "Error budget left"]
    assert "Time-to-Ready Processing \N{MINUS SIGN}400.0\N{NO-BREAK SPACE}%" in pictures[0][1]
    for png, _ in pictures:
        assert b64decode(png).startswith(b"\x89PNG")
        assert len(png) < 200_000
    assert [(one.target, one.state) for one in reading.posted(weekly)] == [("ops@example.com", "sent")]


def test_a_part_of_the_work_is_counted_from_its_rows(busy):
    with time_machine.travel(NEXT_MORNING, tick=False):
        api = a_caller(busy)
        made = data(api.post("reports", {**WISH, "filters": {"vendor": "Bolt"}}))
    [one] = [one for one in made["content"]["objectives"] if one["sli_type"] == "time_to_ready"]
    assert (one["bad_events_count"], one["total_events_count"]) == (8, 10)
    assert "vendor=Bolt" in one["bad_rows"]
    assert made["content"]["kpis"]["volume"]["total_invoices"] == 10
    assert (made["title"], made["restated"]) == ("Report: Tuesday, 10 November 2026, vendor Bolt", [])


def test_changes_of_what_is_promised_are_told(busy):
    with time_machine.travel(NOON, tick=False):
        one = slo(busy, "time_to_ready")
        one.target_percentage = 55
        one.save()
    writing.write_due(busy, "daily", now=NEXT_MORNING)
    changes = Report.objects.get().content["changes"]
    assert [one["what"] for one in changes if one["name"] == "Time-to-Ready Processing"] == [
        "target percentage: 95.000 → 55.000"
    ]
    assert Report.objects.get().content["objectives"][-2]["met"] is True


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "start_date"),
        ({"start_date": "2026-11-10"}, "end_date"),
        ({"start_date": "yesterday", "end_date": "2026-11-11"}, "start_date"),
        ({"start_date": 7, "end_date": "2026-11-11"}, "start_date"),
        ({"start_date": "2026-11-11", "end_date": "2026-11-10"}, "end_date"),
        ({"start_date": "2020-01-01", "end_date": "2026-11-10"}, "end_date"),
        ({"start_date": "2100-01-01", "end_date": "2100-01-02"}, "start_date"),
        ({**WISH, "filters": {"amount": "7"}}, "filters.amount"),
        ({**WISH, "filters": {"vendor": "\0"}}, "filters.vendor"),
        ({**WISH, "filters": []}, "filters"),
        ({**WISH, "kind": "daily"}, "kind"),
    ],
)
def test_what_cannot_be_reported_is_refused_by_its_name(body, field):
    api = a_caller()
    answer = api.post("reports", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert not Report.objects.exists()


def test_the_api_lists_pages_and_hands_out_files(busy):
    with time_machine.travel(NEXT_MORNING + 2 * DAY, tick=False):
        api = a_caller(busy)
        writing.write_due(busy, "daily", now=NEXT_MORNING)
        writing.write_due(busy, "daily", now=NEXT_MORNING + 2 * DAY)
    with time_machine.travel(NEXT_MORNING + 3 * DAY, tick=False):
        answer = api.post("reports", WISH)
        assert answer.status_code == 201
        assert data(api.get(answer["Location"]))["id"] == data(answer)["id"]
        titles, cursor = [], ""
        while cursor is not None:
            page = data(api.get(f"reports?limit=2{cursor and f'&cursor={cursor}'}"))
            titles += [one["title"][-16:] for one in page["reports"]]
            cursor = page["pagination"]["next_cursor"]
        assert titles == ["10 November 2026", "12 November 2026", "11 November 2026", "10 November 2026"]
        rows = lines(api.get(f"{answer['Location']}?format=csv"))
        [bad] = [row for row in rows if row["name"].startswith("Time-to") and row["figure"] == "bad_events_count"]
        assert bad["value"] == "8"
        assert bad["link"].startswith("http://testserver/invoices/?slo=")
        page = api.client.get(f"{answer['Location']}?format=html", headers={"authorization": f"Bearer {api.token}"})
        assert b"8 bad for" not in page.content
        assert b"<h1>Report: Tuesday, 10 November 2026</h1>" in page.content
        assert api.get(f"reports?cursor={api.user.pk}").status_code == 400


def test_the_pages_show_them_and_make_one(busy):
    with time_machine.travel(NEXT_MORNING, tick=False):
        api = a_caller(busy)
        viewer = User.objects.create_user("vera")
        Membership.objects.create(user=viewer, organization=busy, role="viewer")
        client, reader = Client(), Client()
        client.force_login(api.user)
        reader.force_login(viewer)
        assert b"There is no report yet. The first ones are made within the hour" in reader.get("/reports/").content
        with time_machine.travel(NOON - 9 * DAY, tick=False):  # nothing was known before
            assert b"The first daily one is made at about 06:00 on Monday" in reader.get("/reports/").content
        wrong = client.post("/reports/", {**WISH, "end_date": "2026-11-09"})
        assert wrong.status_code == 400
        assert b"Must lie after start_date" in wrong.content
        assert reader.post("/reports/", WISH).status_code == 403
        made = client.post("/reports/", WISH)
        assert made.status_code == 302
        told(busy, "B-late", 30, late=True, now=NEXT_MORNING)
        counted(busy, NEXT_MORNING + timedelta(minutes=5))
        page = reader.get(made["Location"])
        assert b"8</a>" in page.content or b"8<span" in page.content
        assert b"20 in the report, 21 now" in page.content
        with CaptureQueriesContext(connection) as few:
            reader.get("/reports/")
        assert len(few) <= 12
        with CaptureQueriesContext(connection) as few:
            reader.get(made["Location"])
        assert len(few) <= 12
        assert b"Tuesday, 10 November 2026" in reader.get("/reports/?kind=on_demand&after=x").content


def test_an_operator_mails_a_report_again_and_a_viewer_cannot(busy):
    a_channel(busy, for_operations=True, targets=["ops@example.com"])
    writing.write_due(busy, "daily", now=NEXT_MORNING)
    report, again = Report.objects.get(), {"action": "send_again"}
    for role, mailed in (("viewer", 1), ("operator", 2)):
        user = User.objects.create_user(role, is_staff=True)
        Membership.objects.create(user=user, organization=busy, role=role)
        client = Client()
        client.force_login(user)
        client.post("/admin/reports/report/", {**again, "_selected_action": [str(report.pk)]})
        assert len(reading.posted(report)) == mailed


def test_a_report_is_a_pdf_whatever_its_names_hold(busy):
    told = slo(busy, "time_to_ready")
    told.name = "#panic() *bold* $x$ \\ <b> [a] 請求書"
    told.save()
    report = writing.write(busy, Span(NOON - DAY, NOON + DAY / 2), {}, by=None, now=NEXT_MORNING)
    headers = {"authorization": f"Bearer {a_caller(busy).token}", "accept": "application/pdf"}
    answer = Client().get(f"/api/v1/metrics/reports/{report.pk}", headers=headers)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF-")
    assert answer["Content-Disposition"] == 'attachment; filename="report-2026-11-09-on_demand.pdf"'
