import json
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from rich.console import Console
from rich.progress import DownloadColumn, Progress, TextColumn

from slo_portal import backup


class Command(BaseCommand):
    help = "Put what `manage.py backup` has written into the database, as a whole or not at all. Stop the portal first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("FILE", type=Path, help="the backup; FILE.sha256 lies beside it")
        parser.add_argument("--replace", action="store_true", help="remove what is in the database now")
        parser.add_argument("--no-input", action="store_true", help="do not ask before something is removed")
        parser.add_argument("--dry-run", action="store_true", help="check everything, change nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        path, began = options["FILE"], time.monotonic()
        if not path.is_file():
            raise CommandError(f"There is no file {path}.", returncode=2)
        try:
            told = self._restore(path, options)
        except backup.BackupError as error:
            raise CommandError(str(error)) from None
        told |= {"seconds": round(time.monotonic() - began, 1)}
        self.stdout.write(json.dumps(told) if options["json"] else _text(told))

    def _restore(self, path: Path, options: dict[str, Any]) -> dict[str, Any]:
        checksum = backup.verify(path)
        holds = backup.contents(path)
        there = len(backup.tables())
        self._refuse(holds, there, options)
        if not options["dry_run"]:
            if there and not options["no_input"]:
                _ask(there)
            _do(path)
        return {
            "file": str(path),
            "sha256": checksum,
            "tables": len(holds.tables),
            "replaced_tables": there,
            "dry_run": options["dry_run"],
        }

    def _refuse(self, holds: backup.Contents, there: int, options: dict[str, Any]) -> None:
        if holds.newer:
            raise CommandError(
                f"A newer version of the portal made it: this one does not know {', '.join(holds.newer[:3])}."
                " Install that version first."
            )
        if there and not options["replace"]:
            raise CommandError(f"The database is not empty ({there} tables). With --replace all of them are removed.")
        if users := backup.users():
            raise CommandError(
                f"{users} others are connected to the database. Stop web, workers, beat and whoever else uses it."
            )


def _ask(there: int) -> None:
    name = connections["owner"].settings_dict["NAME"]
    if not sys.stdin.isatty():
        raise CommandError("Nobody can be asked here: add --no-input to remove what is there.", returncode=2)
    sys.stderr.write(f"All {there} tables of the database {name} will be removed. Type its name to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != name:
        raise CommandError("Nothing was changed.")


def _do(path: Path) -> None:
    console = Console(stderr=True)
    columns = (TextColumn("Restoring"), DownloadColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        backup.restore(path, lambda size: bar.advance(task, size))
    call_command("migrate", interactive=False, verbosity=0)


def _text(told: dict[str, Any]) -> str:
    if told["dry_run"]:
        return f"{told['file']} is whole: {told['tables']} tables. Nothing was changed."
    return (
        f"{told['tables']} tables are restored in {told['seconds']} s. Before you start the portal, see whether it has"
        " the secret key of the one that was backed up: manage.py rotate_secrets --dry-run"
    )
