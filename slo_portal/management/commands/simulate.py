import json
import math
import signal
import time
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.db.models import Max
from django.utils import timezone
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from accounts import tokens
from accounts.models import ApiToken, Membership, Organization, User
from kpis.models import InvoiceMetric
from slo_portal.env import DATA_DIR
from slo_portal.feeder import CannotFeed, Feeder
from slo_portal.first_look import FirstLook
from slo_portal.simulation.incidents import INCIDENTS, history
from slo_portal.simulation.lives import PREFIX
from slo_portal.simulation.traffic import Traffic, busy_rate, past, usual_share
from slo_portal.simulator import Player, Wishes
from slos.models import Period

WRITERS = (Membership.Role.ADMIN, Membership.Role.EDITOR, Membership.Role.OPERATOR)
USUAL, MOST = 36_000, 1_000_000  # invoices a month, and at all
EVERY = 1.0  # seconds between two turns
LONGEST_PAST = 100.0  # days


def between(low: float, high: float) -> Any:
    """A number from `low` to `high`, for an argument; a d behind it is read as days."""

    def read(text: str) -> float:
        try:
            value = float(text.removesuffix("d"))
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise ArgumentTypeError(f"{text!r} is no number from {low:g} to {high:g}")
        return value

    return read


class Command(BaseCommand):
    help = "Play a made-up firm into the running portal by its API: a past at once, then live. For demos and tests."

    def add_arguments(self, parser: CommandParser) -> None:
        whole = between(1, MOST)
        parser.add_argument("--past", type=between(0.01, LONGEST_PAST), metavar="DAYS", help="fill so many days first")
        parser.add_argument("--invoices", type=whole, metavar="N", help="of the past; default: 36,000 in 30 days")
        parser.add_argument("--resume", action="store_true", help="the past begins with the last invoice that is there")
        parser.add_argument("--live", action="store_true", help="go on in real time; the default without --past")
        parser.add_argument("--rate", type=between(0.01, 1e4), metavar="N", help="live invoices a minute; default: 3.8")
        parser.add_argument("--for", dest="seconds", type=between(1, 1e8), metavar="SECONDS", help="live for so long")
        parser.add_argument("--incident", choices=INCIDENTS, metavar="NAME", help=", ".join(INCIDENTS))
        parser.add_argument("--incident-after", type=between(0, 1e6), default=0.0, metavar="SECONDS", help="default: 0")
        parser.add_argument("--end-incident", action="store_true", help="end the incident of the simulation that runs")
        parser.add_argument("--seed", type=int, default=1, help="the same seed, the same past; default: 1")
        parser.add_argument("--organization", default="default", metavar="SLUG", help="default: default")
        parser.add_argument("--url", default=f"http://127.0.0.1:{settings.PORT}", help="default: %(default)s")
        parser.add_argument("--dry-run", action="store_true", help="make up the past, send nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object at the end")

    def handle(self, *_: Any, **options: Any) -> None:
        self.wishes = Wishes(DATA_DIR)
        if options["end_incident"]:
            return self._end_incident()
        options["live"] |= bool(options["seconds"]) or not options["past"]
        with self.wishes.alone() if options["live"] else nothing_else() as alone:
            if alone:
                return self._play(options)
        if options["incident"] and not options["past"]:
            self.wishes.wish(options["incident"])
            return self._say("The simulation that runs begins it within a second.")
        raise CommandError("A simulation runs already; stop it, or name an --incident for it.")

    def _end_incident(self) -> None:
        if not self.wishes.wished():
            raise CommandError("No incident is going on. Begin one: simulate --incident ocr_slowdown")
        self.wishes.wish(None)
        self._say("The incident ends within a second.")

    def _play(self, options: dict[str, Any]) -> None:
        organization = Organization.objects.filter(slug=options["organization"], is_active=True).first()
        if organization is None:
            known = ", ".join(Organization.objects.values_list("slug", flat=True)[:20]) or "none yet; run bootstrap"
            raise CommandError(f"No organisation {options['organization']!r}. There are: {known}.", returncode=2)
        if InvoiceMetric.objects.filter(organization=organization).exclude(invoice_id__startswith=PREFIX).exists():
            text = f"{organization} holds real invoices: made-up ones would spoil its figures. Use an organisation"
            raise CommandError(f"{text} of its own, or make demo.")
        began, now = time.monotonic(), timezone.now()
        rate = options["rate"] or busy_rate(USUAL)
        with nothing_else() if options["dry_run"] else token_for(organization) as token:
            player = Player(Feeder(options["url"], str(token)), Traffic(options["seed"], rate, now=now), self.wishes,
                            self._say)  # fmt: skip
            try:
                made = self._past(player, organization, options, now)
                if options["live"] and not options["dry_run"]:
                    self._live(player, options, FirstLook(organization, timezone.now()) if made else None)
            except CannotFeed as error:
                raise CommandError(str(error)) from None
        seconds = round(time.monotonic() - began, 1)
        self._print(options, {"past": made, **player.feeder.totals, "seconds": seconds})

    def _past(self, player: Player, organization: Organization, options: dict[str, Any], now: datetime) -> int:
        """The number of invoices that it made up."""
        if not options["past"]:
            return 0
        zone, start = organization.time_zone, now - timedelta(days=options["past"])
        if options["resume"]:
            last = InvoiceMetric.objects.filter(organization=organization, uploaded_at__lte=now)
            start = max(start, last.aggregate(last=Max("uploaded_at"))["last"] or start)
        number = int(options["invoices"] or round(USUAL * usual_share(start, now, zone)))
        lives = list(past(options["seed"], number, start, now, zone, list(history(now, zone))))
        if options["dry_run"]:
            return len(lives)
        console = Console(stderr=True)
        columns = (*Progress.get_default_columns(), MofNCompleteColumn())
        self._say(f"Playing {number:,} invoices since {start:%d %b, %H:%M}")
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("Invoices", total=number)
            player.fill(lives, now=now, progress=lambda done: bar.advance(task, done))
        for period in Period.values:
            player.feeder.calculate(period)
        return len(lives)

    def _live(self, player: Player, options: dict[str, Any], first: FirstLook | None) -> None:
        """Until its time is over, or a signal."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        began, wished = time.monotonic(), not options["incident"]
        self._say(f"Live: {player.traffic.rate:.1f} invoices a minute (Ctrl-C stops it)")
        if not wished and options["incident_after"]:
            self._say(f"{INCIDENTS[options['incident']].says} in {options['incident_after']:g} s")
        try:
            for _ in count():
                lasts = time.monotonic() - began
                if not wished and lasts >= options["incident_after"]:
                    wished = True
                    self.wishes.wish(options["incident"])
                player.turn(timezone.now())
                if first and not first.done:
                    first.turn()
                else:
                    connections.close_all()  # nothing more is asked of the database, for hours perhaps
                if options["seconds"] and lasts + EVERY > options["seconds"]:
                    return
                time.sleep(EVERY)
        except KeyboardInterrupt:
            return

    def _say(self, text: str) -> None:
        self.stderr.write(text, self.style.NOTICE)
        self.stderr.flush()

    def _print(self, options: dict[str, Any], result: dict[str, Any]) -> None:
        if options["json"]:
            return self.stdout.write(json.dumps({"seed": options["seed"], "dry_run": options["dry_run"], **result}))
        told = f"{result['received']:,} messages, {result['created']:,} new, {result['updated']:,} changed something"
        told = "nothing was sent (dry run)" if options["dry_run"] else told
        return self.stdout.write(f"{result['past']:,} invoices of the past; {told}; {result['seconds']:g} s")


@contextmanager
def nothing_else() -> Iterator[bool]:
    yield True


@contextmanager
def token_for(organization: Organization) -> Iterator[str]:
    """One that ends with the simulation, of a member who may write."""
    member = Membership.objects.filter(organization=organization, role__in=WRITERS, user__is_active=True).first()
    user = member.user if member else User.objects.filter(is_superuser=True, is_active=True).first()
    if user is None:
        raise CommandError(f"Nobody may write to {organization}: give someone the role of an operator there.")
    token, secret = tokens.issue(user, organization, name="simulate", scope=ApiToken.Scope.WRITE)
    try:
        yield secret
    finally:
        tokens.revoke(token, now=timezone.now())
