import json
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from accounts.models import Organization
from kpis.messages import EARLIEST
from kpis.periods import local_periods, midnight
from slos import measure
from slos.models import Period
from slos.tick import tick


class Command(BaseCommand):
    help = "Calculate measurements again over a range; by default the period in progress and the one before it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="SLUG", help="default: all active organisations")
        parser.add_argument("--period", choices=Period.values, help="default: all three")
        parser.add_argument(
            "--from", dest="start", metavar="T", help="ISO time with an offset, or a local date; inclusive"
        )
        parser.add_argument("--to", dest="end", metavar="T", help="the same; exclusive; default: now")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        organizations = Organization.objects.filter(is_active=True)
        if options["organization"]:
            organizations = organizations.filter(slug=options["organization"])
        if not organizations:
            raise CommandError(f"There is no active organisation {options['organization'] or ''}.", returncode=2)
        periods = [options["period"]] if options["period"] else Period.values
        wanted = [(one, period, *self._range(one, period, options, now)) for one in organizations for period in periods]
        console = Console(stderr=True)
        columns = (*Progress.get_default_columns(), MofNCompleteColumn())
        with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
            results = [_calculate(bars, *one, now=now) for one in wanted]
        self._print(results, options["json"])

    def _range(
        self, organization: Organization, period: str, options: dict[str, Any], now: datetime
    ) -> tuple[datetime, datetime]:
        end = _moment(options["end"], organization, "--to") if options["end"] else now + timedelta(minutes=5)
        if options["start"]:
            start = _moment(options["start"], organization, "--from")
        else:
            current = local_periods(period, end - timedelta(minutes=5), end, organization.time_zone)[0][0]
            start = current - timedelta(minutes=5)
        if start < EARLIEST:
            raise CommandError("--from must not lie before 2000-01-01.", returncode=2)
        if start >= end:
            raise CommandError("--from must lie before --to.", returncode=2)
        return start, end

    def _print(self, results: list[dict[str, Any]], as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"results": results}))
            return
        for one in results:
            self.stdout.write("{organization} {period}: {rows} measurements from {from} to {to}".format(**one))


def _moment(text: str, organization: Organization, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{option} {text!r} is no ISO date or time.", returncode=2) from None
    if len(text) == len("2026-01-01"):
        return midnight(moment.date(), organization.time_zone)
    if moment.tzinfo is None:
        raise CommandError(f"{option} {text!r} needs an offset, such as +00:00.", returncode=2)
    return moment


def _calculate(
    bars: Progress, organization: Organization, period: str, start: datetime, end: datetime, *, now: datetime
) -> dict[str, Any]:
    """Count what is dirty, then write the measurements; what was done, for the report."""
    bar = bars.add_task(f"{organization.slug} {period}", total=None)

    def progress(done: int, of: int) -> None:
        bars.update(bar, completed=done, total=of)

    tick(organization, now=now)
    rows = measure.calculate(organization, period, start, end, now=now, progress=progress)
    return {
        "organization": organization.slug,
        "period": period,
        "from": start.isoformat(),
        "to": end.isoformat(),
        "rows": rows,
    }
