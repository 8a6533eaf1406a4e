import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from slo_portal import demo
from slo_portal.env import BASE_DIR, DATA_DIR
from slo_portal.local import StartError
from slo_portal.management.commands import portal
from slo_portal.simulation.incidents import INCIDENTS
from slo_portal.simulator import Wishes


class Command(portal.Command):
    help = "Start a demonstration: a portal with data of its own, a made-up firm, and an incident a minute later."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--incident", choices=INCIDENTS, metavar="NAME", help=", ".join(INCIDENTS))
        parser.add_argument("--end-incident", action="store_true", help="end the incident of the demo that runs")
        parser.add_argument("--reset", action="store_true", help="remove all that the demo has made; stop it first")
        parser.add_argument("--dry-run", action="store_true", help="with --reset: say what would be removed")

    def handle(self, *_: Any, **options: Any) -> None:
        folder = DATA_DIR if settings.DEMO else DATA_DIR / demo.FOLDER
        try:
            if options["reset"]:
                self._reset(folder, dry_run=options["dry_run"])
            elif not self._told(folder, options):
                self._start(options)
        except StartError as error:
            raise CommandError(str(error)) from None

    def _reset(self, folder: Path, *, dry_run: bool) -> None:
        names = ", ".join(demo.remove(folder, dry_run=dry_run))
        self.stdout.write(f"{'Would remove' if dry_run else 'Removed'} from {folder}: {names}")

    def _told(self, folder: Path, options: dict[str, Any]) -> bool:
        """Whether there was something to tell the demo that runs already."""
        wishes = Wishes(folder)
        if options["end_incident"]:
            if not wishes.wished():
                raise CommandError("No incident is going on. Begin one: manage.py demo --incident ocr_slowdown")
            wishes.wish(None)
            self.stdout.write("The incident ends within a second; what waits is done within ten minutes.")
        elif options["incident"] and wishes.playing():
            wishes.wish(options["incident"])
            self.stdout.write(f"{INCIDENTS[options['incident']].says}: it begins within a second.")
        else:
            return False
        return True

    def _start(self, options: dict[str, Any]) -> None:
        if not settings.DEMO:  # once more, with settings that reach nothing real
            sys.stdout.flush()
            command = [sys.executable, str(BASE_DIR / "manage.py"), *sys.argv[1:]]
            os.execve(sys.executable, command, demo.surroundings(DATA_DIR))  # noqa: S606 - itself
        self.incident = options["incident"] or "ocr_slowdown"
        super().handle()

    def stack(self) -> demo.Demo:
        return demo.Demo(settings.PORT, self.say, incident=self.incident)
