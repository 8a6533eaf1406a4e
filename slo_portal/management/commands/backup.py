import json
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress

from slo_portal import backup, env


class Command(BaseCommand):
    help = "Write the whole database to a new file, and its SHA-256 beside it, while the portal runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("FILE", type=Path, help="the file to make; FILE.sha256 is made, too")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["FILE"]
        if path.exists() or not path.parent.is_dir():
            reason = "exists already" if path.exists() else f"cannot be made: there is no folder {path.parent}"
            raise CommandError(f"{path} {reason}.", returncode=2)
        began, console = time.monotonic(), Console(stderr=True)
        try:
            tables = len(backup.tables())
            with Progress(console=console, disable=not console.is_terminal) as bar:
                task = bar.add_task("Tables", total=tables)
                checksum = backup.dump(path, lambda number: bar.advance(task, number))
        except backup.BackupError as error:
            raise CommandError(str(error)) from None
        told = {"file": str(path), "bytes": path.stat().st_size, "sha256": checksum, "tables": tables}
        told |= {"seconds": round(time.monotonic() - began, 1), "also_keep": _also_keep()}
        self.stdout.write(json.dumps(told) if options["json"] else _text(told))


def _also_keep() -> list[str]:
    """What a restored portal needs and the file does not hold."""
    own = env.DATA_DIR / "secret-key"
    key = "SECRET_KEY" if env.text("SECRET_KEY") else f"{own}, to be set as SECRET_KEY or put there"
    return [
        f"the secret key ({key}): without it nobody can read the secrets of channels and second factors",
        "the settings: .env, or wherever you keep the variables",
    ]


def _text(told: dict[str, Any]) -> str:
    done = f"{told['file']}: {told['bytes']:,} bytes, {told['tables']} tables, {told['seconds']} s"
    return "\n".join([done, "It does not hold, and you keep elsewhere:", *(f"- {one}" for one in told["also_keep"])])
