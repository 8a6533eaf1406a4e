import json
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from accounts import access
from accounts.models import Organization, User
from alerts import inbox, lifecycle, payloads
from alerts.inbox import Wanted
from alerts.kinds import Severity
from alerts.lifecycle import By, Conflict
from alerts.models import AlertEvent, SLOAlert
from slos.words import plural

ACTS: dict[str, Callable[..., lifecycle.Done]] = {"ack": lifecycle.acknowledge, "resolve": lifecycle.resolve}
DONE = {"ack": "acknowledged", "resolve": "resolved"}
LONGEST_LIST = 1_000
LONGEST_NOTE = 2_000
SHORTEST_ID = 4  # characters


class Command(BaseCommand):
    help = "List the open alerts of an organisation, acknowledge or resolve some of them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=["list", *ACTS], help="what to do")
        parser.add_argument("id", nargs="*", help="of ack and resolve: ids of open alerts, or how they begin")
        parser.add_argument("--organization", default="default", metavar="SLUG", help="default: default")
        parser.add_argument("--severity", choices=list(Severity), help="of list: only these")
        parser.add_argument("--all", action="store_true", help="of list: resolved ones, too")
        parser.add_argument("--user", metavar="NAME", help="of ack and resolve: who acts; an operator or above")
        parser.add_argument("--note", default="", help="of ack and resolve: kept in the timeline")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization.objects.filter(slug=options["organization"], is_active=True).first()
        if organization is None:
            raise CommandError(f"There is no active organisation {options['organization']!r}.", returncode=2)
        if options["act"] == "list":
            self._list(organization, options)
        else:
            self._act(organization, options)

    # --- list ------------------------------------------------------------------------------------------------

    def _list(self, organization: Organization, options: dict[str, Any]) -> None:
        if options["id"] or options["user"] or options["note"]:
            raise CommandError("list takes no ids, no --user and no --note.", returncode=2)
        wanted = Wanted(severity=options["severity"], resolved=None if options["all"] else False)
        rows = list(inbox.matching(organization, wanted)[: LONGEST_LIST + 1])
        rows, more = rows[:LONGEST_LIST], len(rows) > LONGEST_LIST
        if options["json"]:
            sent = inbox.deliveries(rows)
            alerts = [payloads.alert(row, sent.get(row.pk, inbox.NOTHING_SENT)) for row in rows]
            self._print_json({"alerts": alerts, "has_more": more})
            return
        if rows:
            Console(file=self.stdout, highlight=False).print(_table(rows, organization))  # type: ignore[arg-type]
        what = plural("alert" if options["all"] else "open alert", len(rows))
        self.stderr.write(f"{'More than ' if more else ''}{len(rows)} {what}.")
        if any(row.state == "open" for row in rows):
            self.stderr.write("Acknowledge one: manage.py alerts ack ID --user NAME")

    # --- ack, resolve ----------------------------------------------------------------------------------------

    def _act(self, organization: Organization, options: dict[str, Any]) -> None:
        if options["severity"] or options["all"] or not options["id"]:
            raise CommandError("Name the ids of alerts; --severity and --all are for list.", returncode=2)
        if len(options["note"]) > LONGEST_NOTE:
            raise CommandError(f"--note may have up to {LONGEST_NOTE:,} characters.", returncode=2)
        by = By(_actor(options["user"], organization), AlertEvent.Channel.COMMAND)
        results = [self._one(organization, given, by, options) for given in dict.fromkeys(options["id"])]
        if options["json"]:
            self._print_json({"results": results})
        failed = sum(not one["done"] for one in results)
        if failed:
            raise CommandError(f"{failed} of {len(results)} could not be {DONE[options['act']]}.")

    def _one(self, organization: Organization, given: str, by: By, options: dict[str, Any]) -> dict[str, Any]:
        done, text = _attempt(organization, given, by, options["act"], options["note"])
        if not options["json"]:
            (self.stdout if done else self.stderr).write(f"{given}: {text}")
        return {"id": given, "done": done, "message": text}

    def _print_json(self, data: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(data, cls=DjangoJSONEncoder))


def _attempt(organization: Organization, given: str, by: By, act: str, note: str) -> tuple[bool, str]:
    """Whether it is so now, and what there is to say of it."""
    found = _find(organization, given)
    if isinstance(found, str):
        return False, found
    try:
        alert, changed = ACTS[act](found, by=by, now=timezone.now(), note=note)
    except Conflict as conflict:
        return False, conflict.text
    return True, f"{DONE[act]}: {alert.title}" if changed else f"was {DONE[act]} by {by.user} before"


def _find(organization: Organization, given: str) -> SLOAlert | str:
    """The alert with that id, or the open one whose id begins so; else why there is none."""
    try:
        return inbox.find(organization, UUID(given)) or "there is no such alert"
    except ValueError:
        pass
    if len(given) < SHORTEST_ID:
        return f"name at least {SHORTEST_ID} characters of the id"
    rows = inbox.matching(organization, Wanted(resolved=False))
    found = [row for row in rows if str(row.pk).startswith(given.lower())]
    if len(found) == 1:
        return found[0]
    return f"{len(found)} open alerts begin so: name more of the id" if found else "no open alert begins so"


def _actor(name: str | None, organization: Organization) -> User:
    if not name:
        raise CommandError("Say who acts: --user NAME.", returncode=2)
    user = User.objects.filter(username=name, is_active=True).first()
    reach = access.of_user(user, organization.slug) if user else None
    if user is None or reach is None or reach.organization != organization or not reach.allows(access.WRITE):
        raise CommandError(f"There is no active operator {name!r} in {organization.slug}.", returncode=2)
    return user


def _table(rows: Sequence[SLOAlert], organization: Organization) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("id", "severity", "state", "since", "who", "what"):
        table.add_column(heading, no_wrap=heading in ("id", "since"), overflow="fold")
    for row in rows:
        who = row.assigned_to or row.acknowledged_by
        since = row.breached_at.astimezone(organization.time_zone).strftime("%Y-%m-%d %H:%M")
        cells = (str(row.pk)[:8], row.severity, row.state, since, str(who or ""), row.title)
        table.add_row(*(Text(cell) for cell in cells))  # a title is no markup
    return table
