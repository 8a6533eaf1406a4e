"""The facts, to look at and to search. They come in by messages and files; nobody edits or deletes them here."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.admin_access import ByRole
from accounts.admin_lists import NewestOnly, OneOrganization
from kpis.models import InvoiceException, InvoiceMetric, SystemMetric


class Facts(ByRole):
    """Read-only lists that stay fast over millions of rows: counted to a bound, searched by whole keys."""

    paginator = NewestOnly
    list_per_page = 50
    searched: tuple[str, ...] = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The whole term against whole values, which an index answers."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(Q(*((name, term) for name in self.searched), _connector=Q.OR)), False


class Inconsistent(admin.SimpleListFilter):
    title = parameter_name = "inconsistent"
    durations: tuple[str, ...] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes: an end before its start")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "yes":
            return queryset
        return queryset.filter(Q(*((f"{name}__lt", 0) for name in self.durations), _connector=Q.OR))


class InconsistentInvoice(Inconsistent):
    durations = ("ready_after", "approved_after", "rejected_after")


class InconsistentException(Inconsistent):
    durations = ("resolved_after",)


class Voided(admin.SimpleListFilter):
    title = parameter_name = "voided"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "No"), ("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = {"no": True, "yes": False}.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(voided_at__isnull=wanted)


def span(seconds: float | None) -> str:
    """A duration to read: "0:04:30"; one that contradicts says so."""
    if seconds is None:
        return "-"
    text = str(timedelta(seconds=round(abs(seconds))))
    return text if seconds >= 0 else f"inconsistent: -{text}"


@admin.register(InvoiceMetric)
class InvoiceAdmin(Facts):
    list_display = ["invoice_id", "vendor", "uploaded_at", "ready_in", "approved_in", "processing_outcome", "voided_at"]
    list_filter = [OneOrganization, "uploaded_at", "processing_outcome", Voided, InconsistentInvoice]
    ordering = ["-uploaded_at"]
    sortable_by = ["uploaded_at"]  # what an index keeps in order
    search_fields = searched = ("invoice_id",)
    search_help_text = "Whole invoice id"
    fieldsets = [
        (None, {"fields": ["organization", "invoice_id", "vendor", "channel", "document_type", "amount", "currency"]}),
        (
            "Steps",
            {"fields": ["uploaded_at", "extracted_at", "validated_at", "ready_at", "approved_at", "rejected_at"]},
        ),
        ("Durations", {"fields": ["ready_in", "approved_in", "rejected_in"]}),
        ("Outcome", {"fields": ["completed_at", "processing_outcome", "voided_at", "extraction_confidence"]}),
        ("Checks", {"fields": ["structural_valid", "math_valid", "requires_human_review", "retry_count"]}),
        ("Duplicates", {"fields": ["duplicate_flagged", "duplicate_confirmed", "duplicate_confirmed_at"]}),
        ("Further", {"fields": ["page_count", "labels", "created_at", "updated_at"]}),
    ]

    @admin.display(description="ready after")
    def ready_in(self, invoice: InvoiceMetric) -> str:
        return span(invoice.ready_after)

    @admin.display(description="approved after")
    def approved_in(self, invoice: InvoiceMetric) -> str:
        return span(invoice.approved_after)

    @admin.display(description="rejected after")
    def rejected_in(self, invoice: InvoiceMetric) -> str:
        return span(invoice.rejected_after)


@admin.register(InvoiceException)
class ExceptionAdmin(Facts):
    list_display = ["exception_id", "invoice_id", "kind", "severity", "opened_at", "resolved_at", "resolved_in"]
    list_filter = [OneOrganization, "opened_at", InconsistentException]
    ordering = ["-opened_at"]
    sortable_by = ["opened_at"]
    search_fields = searched = ("exception_id", "invoice_id")
    search_help_text = "Whole exception id or invoice id"
    fields = ["organization", "exception_id", "invoice_id", "kind", "severity", "opened_at", "resolved_at"]
    fields += ["resolved_in", "labels", "created_at", "updated_at"]

    @admin.display(description="resolved after")
    def resolved_in(self, exception: InvoiceException) -> str:
        return span(exception.resolved_after)


@admin.register(SystemMetric)
class SystemFigureAdmin(Facts):
    list_display = ["metric_name", "metric_category", "value", "unit", "measured_at"]
    list_filter = [OneOrganization, "measured_at"]
    ordering = ["-measured_at"]
    sortable_by = ["measured_at"]
    search_fields = searched = ("metric_name", "metric_category")
    search_help_text = "Whole name or category"
    fields = ["organization", "metric_name", "metric_category", "value", "unit", "measured_at", "dimensions"]
    fields += ["created_at"]
