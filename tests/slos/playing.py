"""Plays a script of the oracle on the portal, and compares every figure of the two."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from accounts.models import Organization
from kpis import messages
from kpis.ingest import store_rows
from kpis.models import InvoiceException, InvoiceMetric
from slos import exclusions, working
from slos.measure import catch_up
from slos.models import Exclusion, SLIBucket, SLIMeasurement, SLODefinition, SLOSnapshot, WorkingCalendar
from slos.status import SLOStatus
from slos.tick import tick
from tests.oracle import figures, slis, worlds
from tests.oracle.clocks import Times, deadline, text, usual_day
from tests.oracle.facts import EXCEPTION, FIELDS, INVOICE, World
from tests.oracle.figures import Sum, Sums

KINDS = {INVOICE: messages.INVOICE, EXCEPTION: messages.EXCEPTION}
MODELS = {INVOICE: InvoiceMetric, EXCEPTION: InvoiceException}
PERIODS = ("hourly", "daily", "weekly")
NOTHING = Sum()
GRID = timedelta(minutes=15)  # on which the hours of worlds lie
ASIDE = SLIBucket.Width.ASIDE.value


def create_slos(
    organization: Organization,
    limits: Mapping[str, tuple[Decimal, str]],
    windows: Mapping[str, tuple[str, int]] | None = None,
    promises: Mapping[str, tuple[Decimal, Decimal | None]] | None = None,
    only: Iterable[str] = slis.SLIS,
    parts: Mapping[str, Mapping[str, str]] | None = None,
    clocks: Mapping[str, Sequence[Times]] | None = None,
) -> dict[str, SLODefinition]:
    """One objective for each SLI, measured over every period."""
    made = {}
    for sli in only:
        target, budget = (promises or {}).get(sli, (Decimal(90), None))
        value, unit = limits.get(sli, (Decimal(90), "percent"))
        window, days = (windows or {}).get(sli, ("rolling", 30))
        calendar = (clocks or {}).get(sli)
        made[sli] = SLODefinition.objects.create(
            **on_calendar(organization, sli, calendar),
            organization=organization,
            name=sli,
            sli_type=sli,
            target_percentage=target,
            error_budget_percentage=budget,
            target_value=value,
            target_unit=unit,
            measurement_periods=PERIODS,
            window=window,
            window_days=days,
            only=(parts or {}).get(sli, {}),
        )
    return made


def on_calendar(organization: Organization, sli: str, calendar: Sequence[Times] | None) -> dict[str, str]:
    """The fields of an objective that keeps it; all time counts where there is none."""
    if not calendar:
        return {"clock": "elapsed", "calendar": ""}
    saved, _ = WorkingCalendar.objects.get_or_create(organization=organization, name=sli)
    working.save(saved, text=text(calendar))
    return {"clock": "working", "calendar": sli}


def stored(row: SLIBucket) -> Sum:
    return Sum(Fraction(row.good), row.total, row.duration_us, row.duration_count)


class Play:
    """An organisation of the portal and a world of the oracle that live through the same script."""

    def __init__(self, script: worlds.Script, slug: str = "played", only: Iterable[str] = slis.SLIS) -> None:
        self.script, self.zone = script, script.zone
        self.organization = Organization.objects.create(name=slug, slug=slug, time_zone=script.zone)
        self.slos = create_slos(
            self.organization, script.limits, script.windows, script.promises, only, script.parts, script.clocks
        )
        self.clocks = dict(script.clocks)
        self.deadlines: dict[tuple[str, datetime, timedelta], datetime] = {}
        self.limits = dict(script.limits)
        self.paused: set[str] = set()
        self.world = World()
        self.left_out: dict[Exclusion, worlds.Exclude] = {}
        self.right_borders: set[tuple[str, datetime, datetime]] = set()

    def run(self) -> None:
        for now, step in self.script.steps:
            match step:
                case worlds.Tell(kind, told):
                    self.tell(kind, told, now)
                case worlds.Tick():
                    assert tick(self.organization, now=now).ran
                    self.compare(now)
                case worlds.Measure(period):
                    catch_up(self.organization, period, now=now)
                case worlds.Edit(sli, value, unit):
                    self.limits[sli] = value, unit
                    self.change(sli, target_value=value, target_unit=unit)
                case worlds.Reclock(sli, calendar):
                    self.clocks[sli] = calendar
                    self.deadlines.clear()
                    self.change(sli, **on_calendar(self.organization, sli, calendar))
                    self.slos[sli].refresh_from_db()
                case worlds.Narrow(sli, only):
                    self.change(sli, only=only)
                case worlds.Pause(sli):
                    self.paused.add(sli)
                    self.change(sli, is_active=False)
                case worlds.Resume(sli):
                    if sli in self.paused:
                        self.paused.discard(sli)
                        self.change(sli, is_active=True)
                case worlds.Exclude():
                    self.exclude(step)
                case worlds.Withdraw(place):
                    if self.left_out:
                        gone = list(self.left_out)[place % len(self.left_out)]
                        exclusions.withdraw(gone, by=None, now=now)
                        del self.left_out[gone]

    def exclude(self, wanted: worlds.Exclude) -> None:
        if wanted.invoice and wanted.invoice not in self.world.rows[INVOICE]:
            return
        period = {} if wanted.invoice else {"start": wanted.start, "end": wanted.end}
        made = Exclusion.objects.create(
            organization=self.organization, category="other", reason="?", invoice_id=wanted.invoice, **period
        )
        made.slos.set([self.slos[wanted.sli]] if wanted.sli else [])
        exclusions.put_in_force(made)
        self.left_out[made] = wanted

    def change(self, sli: str, **fields: object) -> None:
        for name, value in fields.items():
            setattr(self.slos[sli], name, value)
        self.slos[sli].save()

    def tell(self, kind: str, told: list[worlds.Told], now: datetime) -> None:
        result = store_rows(KINDS[kind], self.organization, told, now=now)
        outcomes = [self.world.tell(kind, message, now) for message in told]
        expected = {name: outcomes.count(name) for name in ("created", "updated", "unchanged", "rejected")}
        assert {name: getattr(result, name) for name in expected} == expected
        assert [error.index for error in result.errors] == [i for i, what in enumerate(outcomes) if what == "rejected"]

    # --- comparing ---------------------------------------------------------------------------------------
    def compare(self, now: datetime) -> None:
        """Every figure of every objective that is not paused, as of a tick at `now`."""
        buckets, rows = self.stored_buckets(), self.stored_measurements()
        snapshots = {row.slo_id: row for row in SLOSnapshot.objects.filter(organization=self.organization)}
        for sli, slo in self.slos.items():
            if sli not in self.paused:
                whole, times, pk = self.whole(sli, now), self.times(sli), slo.pk
                account = whole.within(times, left_out=True)
                for width in (5, 60, 1440):
                    assert buckets[pk, width] == figures.buckets(account, width), (sli, width)
                assert buckets[pk, ASIDE] == figures.buckets(whole.within(times)), sli
                self.compare_snapshot(snapshots[pk], sli, account, now)
                self.compare_measurements(rows[pk], sli, account)

    def account(self, sli: str, now: datetime) -> slis.Account:
        """What counts."""
        return self.whole(sli, now).within(self.times(sli), left_out=True)

    def whole(self, sli: str, now: datetime) -> slis.Account:
        """What counts, and what lies in times that are left out."""
        limit = slis.threshold(*self.limits[sli]) if sli in slis.TIMED else None
        invoices = {one.invoice for one in self.left_out.values() if one.invoice and one.sli in (None, sli)}
        return slis.account(sli, self.world.besides(invoices), now, limit, self.slos[sli].only, self.due(sli, limit))

    def due(self, sli: str, limit: timedelta | None) -> Callable[[datetime], datetime]:
        """The deadline of a start."""
        calendar = self.clocks.get(sli)
        if limit is None or not calendar:
            return lambda start: start + (limit or timedelta(0))
        value, unit = self.limits[sli]
        most = int(value) * usual_day(calendar) if unit == "days" else limit

        def due(start: datetime) -> datetime:
            if (sli, start, most) not in self.deadlines:
                self.deadlines[sli, start, most] = deadline(calendar, start, most, GRID)
            return self.deadlines[sli, start, most]

        return due

    def times(self, sli: str) -> list[tuple[datetime, datetime]]:
        return [
            (figures.floor(one.start), figures.floor(one.end - timedelta(microseconds=1)) + figures.BUCKET)
            for one in self.left_out.values()
            if not one.invoice and one.sli in (None, sli)
        ]

    def stored_buckets(self) -> dict[tuple[UUID, int], Sums]:
        found: dict[tuple[UUID, int], Sums] = defaultdict(dict)
        for row in SLIBucket.objects.filter(organization=self.organization):
            found[row.slo_id, row.width][row.start] = stored(row)
        return found

    def stored_measurements(self) -> dict[UUID, list[SLIMeasurement]]:
        found: dict[UUID, list[SLIMeasurement]] = defaultdict(list)
        for row in SLIMeasurement.objects.filter(organization=self.organization):
            found[row.slo_id].append(row)
        return found

    def compare_snapshot(self, row: SLOSnapshot, sli: str, account: slis.Account, now: datetime) -> None:
        buckets, slo = figures.buckets(account), self.slos[sli]
        start = figures.window_start(now, slo.window, slo.window_days, self.zone)
        whole = figures.since(buckets, start, now)
        assert row.window_start == start
        assert (Fraction(row.good), row.total) == (whole.good, whole.total)
        assert row.pending == len(account.pending)
        assert row.first_event_at == min(buckets, default=None)
        shown = SLOStatus(slo, row, now)
        assert (shown.achieved_percentage, shown.consumed_percentage) == self.shares(sli, whole)
        for name, minutes in figures.LOOK_BACKS.items():
            good, total = row.look_backs.get(name, ("0", 0))
            expected = figures.look_back(buckets, minutes, now)
            assert (Fraction(good), total) == (expected.good, expected.total), name
            burn = self.budget(sli, expected).burn
            assert shown.burn_rate(name) == (None if burn is None else float(round(burn, 4))), name

    def budget(self, sli: str, counted: Sum) -> figures.Budget:
        target, budget = self.script.promises.get(sli, (Decimal(90), None))
        return figures.budget(counted.good, counted.total, target, budget)

    def shares(self, sli: str, counted: Sum) -> tuple[float | None, float | None]:
        """SLI and budget consumed in percent, as they are shown."""
        budget = self.budget(sli, counted)
        if budget.sli is None or budget.consumed is None:
            return None, None
        return float(round(budget.sli * 100, 4)), float(round(budget.consumed * 100, 4))

    def compare_measurements(self, rows: list[SLIMeasurement], sli: str, account: slis.Account) -> None:
        sums = {period: figures.periods(account, period, self.zone) for period in PERIODS}
        pending = {period: figures.pending(account, period, self.zone) for period in PERIODS}
        for row in rows:
            where = sli, row.period, row.period_start
            self.compare_borders(row)
            found = Sum(Fraction(row.good_events_count), row.total_events_count, row.duration_us, row.duration_count)
            assert found == sums[row.period].get(row.period_start, NOTHING), where
            assert (row.achieved_percentage, row.error_budget_consumed) == self.shares(sli, found), where
            assert row.pending_events_count == pending[row.period].get(row.period_start, 0), where

    def compare_borders(self, row: SLIMeasurement) -> None:
        borders = row.period, row.period_start, row.period_end
        if borders in self.right_borders:
            return
        last = row.period_end - timedelta(microseconds=1)
        for moment, start in ((row.period_start,) * 2, (last, row.period_start), (row.period_end,) * 2):
            assert figures.period_start(moment, row.period, self.zone) == start, borders
        self.right_borders.add(borders)

    def compare_rows(self) -> None:
        """The stored invoices and exceptions, field by field."""
        for kind, model in MODELS.items():
            key = KINDS[kind].key
            rows = {getattr(row, key): row for row in model.objects.filter(organization=self.organization)}
            assert set(rows) == set(self.world.rows[kind])
            for name, row in rows.items():
                known = {field: getattr(row, field) for field in FIELDS[kind]}
                known = {field: value for field, value in known.items() if value is not None and value != {}}
                assert known == self.world.rows[kind][name]

    def compare_all_periods(self, now: datetime) -> None:
        """After the scheduled task every period with an event has its row."""
        periods = PERIODS if now - self.script.start < timedelta(days=10) else PERIODS[1:]  # hours are many
        for period in periods:
            catch_up(self.organization, period, now=now)
        rows = self.stored_measurements()
        for sli, slo in self.slos.items():
            account = self.account(sli, now)
            self.compare_measurements(rows[slo.pk], sli, account)
            for period in periods:
                measured = {row.period_start for row in rows[slo.pk] if row.period == period}
                assert set(figures.periods(account, period, self.zone)) <= measured, (sli, period)
