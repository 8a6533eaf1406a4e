"""What a face shows of the objectives: one read model for page, API, admin and report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from uuid import UUID

from accounts.models import Organization
from slos import budget
from slos.budget import Status, percent
from slos.models import EngineState, SLIMeasurement, SLODefinition, SLOSnapshot
from slos.windows import look_back_counts, window_of

ORDER = {Status.CRITICAL: 0, Status.WARNING: 1, Status.NO_DATA: 2, Status.HEALTHY: 3}
STALE_AFTER = timedelta(minutes=2)  # a tick comes every few seconds
LOOK_BACK_NAMES = ("5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d")


@dataclass(frozen=True)
class SLOStatus:
    """One objective and its figures at one moment. Percentages are 0..100, None where there is nothing to say."""

    slo: SLODefinition
    snapshot: SLOSnapshot
    now: datetime
    latest: SLIMeasurement | None = None  # the last closed measurement
    severities: frozenset[str] = field(default=frozenset())

    @property
    def share(self) -> Decimal:
        """The error budget as a fraction of the events."""
        return self.slo.budget

    @cached_property
    def spent(self) -> Decimal | None:
        """Share of the error budget that is used up; None without an event."""
        return budget.consumed(self.window.counts, self.share)

    @cached_property
    def window(self) -> budget.Window:
        return window_of(self.slo, self.snapshot, self.now)

    @cached_property
    def status(self) -> Status:
        return budget.status(
            self.window,
            self.share,
            burning=self.snapshot.burning,
            warning_percent=self.slo.alerting_threshold_percentage,
            critical_percent=self.slo.critical_threshold_percentage,
            min_bad=self.slo.min_bad,
            severities=self.severities,
        )

    @property
    def too_few(self) -> bool:
        """There are events, but too few to judge the objective by."""
        return self.snapshot.total > 0 and self.window.too_few(self.share, self.slo.min_bad)

    @property
    def achieved_percentage(self) -> float | None:
        return percent(self.window.counts.ratio)

    @property
    def consumed_percentage(self) -> float | None:
        return percent(self.spent)

    @cached_property
    def remaining_percentage(self) -> float | None:
        return None if self.spent is None else percent(1 - self.spent)

    @property
    def allowed_bad(self) -> Decimal:
        """Events that may be bad at the window's traffic so far."""
        return self.share * self.snapshot.total

    @property
    def bad(self) -> Decimal:
        return self.window.counts.bad

    @property
    def remaining_bad(self) -> Decimal:
        """Events that may still become bad; negative when the budget is overspent."""
        return self.allowed_bad - self.bad

    def burn_rate(self, look_back: str) -> float | None:
        """Burn rate over a look-back of LOOK_BACK_NAMES, four decimals."""
        burn = budget.burn_rate(look_back_counts(self.snapshot, look_back), self.share)
        return None if burn is None else float(round(burn, 4))

    @property
    def burn_1h(self) -> float | None:
        return self.burn_rate("1h")

    @property
    def burn_6h(self) -> float | None:
        return self.burn_rate("6h")

    @property
    def burn_rates(self) -> dict[str, float | None]:
        return {name: self.burn_rate(name) for name in LOOK_BACK_NAMES}

    def events(self, look_back: str) -> int:
        return look_back_counts(self.snapshot, look_back).total

    def burn_word(self, look_back: str) -> str:
        return budget.burn_word(budget.burn_rate(look_back_counts(self.snapshot, look_back), self.share))

    @property
    def sort_key(self) -> tuple[int, float, str]:
        """Worst first: by status, then by budget left."""
        left = self.remaining_percentage
        return ORDER[self.status], float("inf") if left is None else left, self.slo.name


@dataclass(frozen=True)
class Freshness:
    """Until when everything that is known of an organisation has been counted."""

    organization: Organization
    now: datetime
    ticked_at: datetime | None

    @property
    def stale(self) -> bool:
        """Time has passed that nothing was counted in: what the figures say may no longer hold."""
        return self.ticked_at is None or self.now - self.ticked_at > STALE_AFTER

    @property
    def through(self) -> str:
        """For the header that tells a page; empty before the first calculation."""
        return self.ticked_at.isoformat() if self.ticked_at else ""


@dataclass(frozen=True)
class Overview(Freshness):
    """All active objectives of an organisation, worst first, and how fresh the figures are."""

    slos: Sequence[SLOStatus]
    figures_changed_at: datetime | None
    paused: Sequence[SLODefinition] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many objectives stand how, by the value of their status."""
        found = Counter(slo.status for slo in self.slos)
        return {status.value: found[status] for status in Status}

    @property
    def least_left(self) -> SLOStatus | None:
        """The objective with the smallest share of its budget left; one with too few events only if all are so."""
        known = [slo for slo in self.slos if slo.remaining_percentage is not None]
        return min(known, key=lambda slo: (slo.too_few, slo.remaining_percentage, slo.slo.name), default=None)


def overview(
    organization: Organization,
    *,
    now: datetime,
    known: Sequence[SLODefinition] | None = None,
    snapshots: Mapping[UUID, SLOSnapshot] | None = None,
    severities: Mapping[UUID, frozenset[str]] | None = None,
    latest: Mapping[UUID, SLIMeasurement] | None = None,
) -> Overview:
    """The stored figures, or `snapshots` and `latest` computed for another moment or a part of the work.

    `known` are all definitions of the organisation with their snapshots, where somebody has read them.
    """
    known = list(organization.slos.select_related("snapshot")) if known is None else known
    slos = [slo for slo in known if slo.is_active]
    if snapshots is None:
        snapshots = {slo.pk: slo.snapshot for slo in slos if hasattr(slo, "snapshot")}
    latest = latest_closed(slos, now) if latest is None else latest
    found = [
        SLOStatus(slo, snapshots[slo.pk], now, latest.get(slo.pk), (severities or {}).get(slo.pk, frozenset()))
        if slo.pk in snapshots
        else SLOStatus(slo, empty_snapshot(slo, now), now)
        for slo in slos
    ]
    state = EngineState.objects.filter(organization=organization).first()
    return Overview(
        organization,
        now,
        state.ticked_at if state else None,
        sorted(found, key=lambda one: one.sort_key),
        state.figures_changed_at if state else None,
        [slo for slo in known if not slo.is_active and slo.archived_at is None],
    )


def empty_snapshot(slo: SLODefinition, now: datetime) -> SLOSnapshot:
    """Before the first tick of a new objective."""
    return SLOSnapshot(slo=slo, window_start=now, window_end=now, good=Decimal(0), total=0)


def latest_closed(slos: Sequence[SLODefinition], now: datetime) -> dict[UUID, SLIMeasurement]:
    """Per objective the last closed measurement of its first period: one index probe each, however long its history."""
    sql = f"""
        SELECT m.* FROM unnest(%s::uuid[], %s::text[]) s (id, period), LATERAL (
            SELECT * FROM {SLIMeasurement._meta.db_table} m
            WHERE m.slo_id = s.id AND m.period = s.period AND m.period_end <= %s
            ORDER BY m.period_start DESC LIMIT 1) m"""  # noqa: S608
    periods = {slo.pk: str(slo.measurement_period) for slo in slos}
    return {row.slo_id: row for row in SLIMeasurement.objects.raw(sql, [[*periods], [*periods.values()], now])}
