"""The audit trail as a file, newest first, times in UTC."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC

from django.db.models import QuerySet

from accounts.cells import defused
from accounts.models import AuditEntry

COLUMNS = [
    *("id", "at", "organization", "action", "actor_id", "actor_name", "object_type", "object_id", "object_label"),
    *("address", "request_id", "changes", "note"),
]
BATCH = 1000
Entries = QuerySet[AuditEntry]


def as_csv(entries: Entries) -> Iterator[str]:
    """No cell is a formula."""
    line = io.StringIO()
    writer = csv.writer(line)
    writer.writerow(COLUMNS)
    for entry in _all(entries):
        writer.writerow([defused(_text(value)) for value in _values(entry)])
        if line.tell() > 50_000:
            yield line.getvalue()
            line.seek(0)
            line.truncate()
    yield line.getvalue()


def as_json_lines(entries: Entries) -> Iterator[str]:
    for entry in _all(entries):
        yield json.dumps(dict(zip(COLUMNS, _values(entry), strict=True)), ensure_ascii=False) + "\n"


def _all(entries: Entries) -> Iterator[AuditEntry]:
    """In batches by key: no statement lasts long, however long the trail is."""
    entries = entries.select_related("organization").order_by("-pk")
    batch = list(entries[:BATCH])
    while batch:
        yield from batch
        batch = list(entries.filter(pk__lt=batch[-1].pk)[:BATCH])


def _values(entry: AuditEntry) -> list[object]:
    organization = entry.organization.slug if entry.organization else None
    actor = str(entry.actor_id) if entry.actor_id else None
    at = entry.at.astimezone(UTC).isoformat()
    about = [entry.object_type, entry.object_id, entry.object_label]
    rest = [entry.address, entry.request_id, entry.changes, entry.note]
    return [entry.pk, at, organization, entry.action, actor, entry.actor_name, *about, *rest]


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
