"""The audit trail: to be read, searched and taken along."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBadRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import path
from django.utils import timezone

from accounts import audit, exports
from accounts.admin_access import ByRole, Role
from accounts.admin_lists import NewestOnly, OrganizationFilter
from accounts.models import AuditEntry

KINDS = {
    "csv": (exports.as_csv, "text/csv; charset=utf-8"),
    "jsonl": (exports.as_json_lines, "application/x-ndjson"),
}


@admin.register(AuditEntry)
class AuditEntryAdmin(ByRole):
    sees = Role.ADMIN
    list_display = ["at", "action", "actor_name", "object_label", "object_type", "address", "note"]
    list_filter = [OrganizationFilter, "action"]
    list_select_related = ["organization"]
    search_fields = ["actor_name", "object_label", "object_id", "address", "request_id"]
    date_hierarchy = "at"
    ordering = ["-at", "-id"]
    paginator = NewestOnly
    change_list_template = "admin/accounts/auditentry/change_list.html"
    fields = [
        *("at", "organization", "action", "actor_name", "actor_id", "object_type", "object_id", "object_label"),
        *("what_changed", "note", "address", "request_id"),
    ]

    @admin.display(description="changes")
    def what_changed(self, entry: AuditEntry) -> str:
        return "\n".join(f"{name}: {old} → {new}" for name, (old, new) in entry.changes.items()) or "-"

    def get_urls(self) -> list[Any]:
        export = self.admin_site.admin_view(self.export)
        return [path("export/<str:kind>/", export, name="accounts_auditentry_export"), *super().get_urls()]

    def export(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        """What the list shows under the same filters."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if kind not in KINDS:
            raise Http404
        try:
            found = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return HttpResponseBadRequest("These filters make no sense together. Go back and choose others.")
        note = f"audit trail as {kind} {request.META.get('QUERY_STRING', '')}"
        audit.record(audit.Action.EXPORTED, now=timezone.now(), request=request, note=note)
        make, media = KINDS[kind]
        name = {"Content-Disposition": f'attachment; filename="audit-trail.{kind}"'}
        return StreamingHttpResponse(make(found), content_type=media, headers=name)
