"""What is known of an alert when it is told: plain values, so that words need no database. None is not known."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from alerts.kinds import AlertType, Resolution, Severity


@dataclass(frozen=True)
class Biggest:
    """The part of the work that stands out among the bad events."""

    field: str  # vendor, channel, document_type or kind
    value: str
    bad: Decimal  # its bad events
    of: Decimal  # all bad events
    span: timedelta | None = None  # over which both were counted; None: that of the alert


@dataclass(frozen=True)
class Life:
    """What has happened to the alert itself so far."""

    opened_at: datetime | None = None
    reopenings: int = 0
    quiet_since: datetime | None = None  # since when its condition has not held
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    resolution: Resolution | None = None
    resolved_at: datetime | None = None
    resolved_by: str = ""


@dataclass(frozen=True)
class Facts:
    """An alert at `now`. Events are counted as its objective counts them; percentages are 0..100."""

    alert_type: AlertType
    severity: Severity
    now: datetime
    zone: ZoneInfo
    slo: str = ""
    sli_type: str = ""
    limit: str = ""  # of a timed SLI: "5 minutes"
    target: Decimal | None = None
    value: Decimal | None = None  # what the condition looks at: burn rate, consumption, SLI or misses in a row
    threshold: Decimal | None = None
    bad: Decimal | None = None  # in the look-back or the periods that decided
    total: int | None = None
    look_back: timedelta | None = None
    start: datetime | None = None  # of the measurements that decided
    end: datetime | None = None
    period: str = ""  # hourly, daily or weekly
    since: datetime | None = None  # the bucket of the first bad event
    window: str = ""  # rolling, week, month or quarter
    window_days: int | None = None
    allowed: Decimal | None = None  # events that may be bad in the whole window
    left: Decimal | None = None  # of them; negative when there were too many
    too_few: bool = False  # too few events to judge the objective by
    runs_out_at: datetime | None = None  # at the present pace; None also when it lasts
    biggest: Biggest | None = None
    due: int | None = None  # pending events that fall due next
    due_by: datetime | None = None  # the last of them
    feed: str = ""  # invoices or exceptions
    last_message_at: datetime | None = None
    usual: int | None = None  # messages that would usually have come since
    channel: str = ""
    channel_kind: str = ""  # as people call it: "Slack"
    undelivered: int | None = None
    failing_since: datetime | None = None
    error: str = ""
    switched_off: bool = False  # the channel
    changed: str = ""  # in a series, as kpis.change_words says it
    changed_with: str = ""  # a sentence
    life: Life = field(default_factory=Life)
