import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import track

from accounts.models import Organization
from slo_portal import clean_up


class Command(BaseCommand):
    help = "Delete what is no longer kept (docs/reference/retention.md). Figures that are shown do not change."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="SLUG", help="default: all")
        parser.add_argument("--dry-run", action="store_true", help="say what would be deleted, delete nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        now, how = timezone.now(), {"dry_run": options["dry_run"]}
        organizations = Organization.objects.all()
        if slug := options["organization"]:
            organizations = organizations.filter(slug=slug)
            if not organizations:
                raise CommandError(f"There is no organisation {slug}.", returncode=2)
        console = Console(stderr=True)
        bar = track(organizations, "Cleaning up", console=console, disable=not console.is_terminal)
        deleted = {one.slug: clean_up.of_organization(one, now=now, **how) for one in bar}
        if not slug:
            deleted[""] = clean_up.of_all(now=now, **how)
        self._print(deleted, options)

    def _print(self, deleted: dict[str, clean_up.Deleted], options: dict[str, Any]) -> None:
        if options["json"]:
            parts = [{"organization": slug or None, "deleted": rows} for slug, rows in deleted.items()]
            self.stdout.write(json.dumps({"dry_run": options["dry_run"], "results": parts}))
            return
        would = "would be deleted" if options["dry_run"] else "deleted"
        for slug, rows in deleted.items():
            told = ", ".join(f"{number:,} {name}" for name, number in rows.items() if number)
            self.stdout.write(f"{slug or 'Of no organisation'}: {told or 'nothing'} {would}")
