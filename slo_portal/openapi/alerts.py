"""What the addresses of alerts answer, and what may be said with an act."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from alerts.kinds import AlertType, Reason, Resolution, Severity
from alerts.models import AlertEvent, Channel
from slo_portal.openapi.common import Count, Id, Time, Told, of

LONGEST_NOTE = 2_000
Note = Annotated[str, Meta(max_length=LONGEST_NOTE)]
Version = Annotated[
    int, Meta(ge=1, le=999_999_999, description="Of the alert that was seen: 409 where it is another now.")
]


class Alert(Told):
    id: Id
    slo_definition_id: Id | None
    slo_name: str | None
    subject: Annotated[str, Meta(description="The feed or channel, where there is no objective.")]
    measurement_id: Id | None
    alert_type: of(AlertType)  # type: ignore[valid-type]
    severity: of(Severity)  # type: ignore[valid-type]
    state: of(["open", "acknowledged", "resolved"])  # type: ignore[valid-type]
    title: str
    message: str
    current_value: float | None
    target_value: float | None
    breached_at: Time
    acknowledged_at: Time | None
    acknowledged_by: str | None
    assigned_to: str | None
    snoozed_until: Time | None
    snoozed_until_better: bool
    resolved_at: Time | None
    resolved_by: str | None
    resolution: of(["", *Resolution])  # type: ignore[valid-type]
    resolution_notes: str
    notification_sent: bool
    notification_attempts: Count
    last_notification_at: Time | None
    reopenings: Count
    version: Count
    created_at: Time
    updated_at: Time


class Filters(Told):
    """As they were understood; null where one was not given."""

    severity: of(Severity) | None  # type: ignore[valid-type]
    resolved: bool | None
    acknowledged: bool | None
    slo_id: Id | None
    alert_type: of(AlertType) | None  # type: ignore[valid-type]


class Place(Told):
    total_count: Count
    limit: int
    offset: int
    has_more: bool


class Alerts(Told):
    alerts: list[Alert]
    pagination: Place
    filters: Filters


class Happening(Told):
    kind: of(AlertEvent.Kind.values)  # type: ignore[valid-type]
    at: Time
    actor: str | None
    channel: of(AlertEvent.Channel.values)  # type: ignore[valid-type]
    note: str


class Delivery(Told):
    channel: str
    kind: of(Channel.Kind.values)  # type: ignore[valid-type]
    target: str
    reason: of(Reason)  # type: ignore[valid-type]
    state: str
    attempts: Count
    error: str
    created_at: Time
    next_attempt_at: Time | None
    sent_at: Time | None


class Item(Told):
    text: str
    done_at: Time | None
    done_by: str | None


class Incident(Told):
    id: Id
    owner: str | None
    opened_at: Time
    closed_at: Time | None
    checklist: list[Item]


class OneAlert(Alert):
    timeline: list[Happening]
    deliveries: list[Delivery]
    incident: Incident | None


class Done(Told):
    alert_id: Id
    alert: Alert


class Acknowledged(Done):
    acknowledged_at: Time | None
    acknowledged_by: str | None


class Resolved(Done):
    resolved_at: Time | None
    resolution_notes: str


class Reopened(Done):
    resolved_at: Time | None


class Snoozed(Done):
    snoozed_until: Time | None
    snoozed_until_better: bool


class Assigned(Done):
    assigned_to: str | None


class Noting(Struct, forbid_unknown_fields=True):
    notes: Note | UnsetType | None = UNSET


class Acknowledging(Noting):
    version: Version | UnsetType | None = UNSET


class Resolving(Struct, forbid_unknown_fields=True):
    resolution_notes: Note | UnsetType | None = UNSET
    version: Version | UnsetType | None = UNSET


class Snoozing(Noting):
    """`until` or `until_better`."""

    until: Time | UnsetType | None = UNSET
    until_better: bool | UnsetType = UNSET


class Assigning(Noting, kw_only=True):
    to: Annotated[str | None, Meta(description="A user of the organisation; null for nobody.")]


class Writing(Struct, forbid_unknown_fields=True):
    notes: Annotated[str, Meta(min_length=1, max_length=LONGEST_NOTE)]
