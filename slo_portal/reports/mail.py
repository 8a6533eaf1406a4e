"""A report as a mail: HTML that mail programs show, and a text that says all of it by itself."""

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from alerts.outbox import Document
from slo_portal.reports import charts
from slo_portal.reports.models import Report


def of(report: Report) -> Document:
    path = reverse("report", args=[report.pk])
    context = {"report": report, "told": report.content, "host": settings.SITE_URL, "path": path}
    text = render_to_string("reports/mail.txt", context).strip()
    html = render_to_string("reports/mail.html", {**context, "charts": charts.of(report)})
    return Document(report.title[:200], text, html, path)
