"""What import_invoices and import_exceptions have in common."""

import hashlib
import json
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from io import BufferedReader
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from accounts.models import Organization
from kpis.importers import OwnNames, Record, Translator, Unusable, delivered, read_mapping, read_records
from kpis.imports import Import, Totals, remember_shift, remembered_shift, shift_to
from kpis.management.rejects import RejectsFile
from kpis.messages import Kind

REJECTED, UNUSABLE, INTERRUPTED = 1, 2, 130


@dataclass(frozen=True)
class Options:
    organization: Organization
    translator: Translator
    shift_to_now: bool
    dry_run: bool


@dataclass
class Report:
    """What became of one file."""

    file: str
    totals: Totals
    shift: timedelta = timedelta(0)
    rejected_file: str | None = None

    def as_data(self) -> dict[str, object]:
        return {
            "file": self.file,
            **asdict(self.totals),
            "shift_weeks": self.shift // timedelta(weeks=1),
            "rejected_file": self.rejected_file,
        }


class ImportCommand(BaseCommand):
    kind: ClassVar[Kind]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "files", nargs="+", metavar="FILE", help="CSV, JSON lines, JSON or XES; also as .gz or .zip"
        )
        parser.add_argument("--mapping", metavar="FILE", help=f"a mapping file, or one of {', '.join(delivered())}")
        parser.add_argument("--organization", default="default", metavar="SLUG", help="default: %(default)s")
        parser.add_argument(
            "--shift-to-now", action="store_true", help="move an old log by whole weeks so that it ends now"
        )
        parser.add_argument("--dry-run", action="store_true", help="check everything, store nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")

    def handle(self, *args: Any, **given: Any) -> None:
        options = self.options(given)
        reports, failed = [], False
        for name in given["files"]:
            try:
                reports.append(self.import_file(Path(name), options))
            except (Unusable, OSError) as error:
                failed = True
                self.stderr.write(self.style.ERROR(f"{name}: {error}"))
                continue
            if not given["json"]:
                self.print_report(reports[-1], options)
        if given["json"]:
            self.print_json(reports, options)
        if failed or any(report.totals.rejected for report in reports):
            raise SystemExit(UNUSABLE if failed else REJECTED)

    def options(self, given: dict[str, Any]) -> Options:
        organization = Organization.objects.filter(slug=given["organization"]).first()
        if organization is None:
            known = ", ".join(Organization.objects.values_list("slug", flat=True)[:20]) or "none yet; run bootstrap"
            raise CommandError(f"No organisation {given['organization']!r}. There are: {known}.", returncode=UNUSABLE)
        try:
            mapping = given["mapping"]
            translator: Translator = read_mapping(mapping, self.kind) if mapping else OwnNames(self.kind)
        except Unusable as error:
            raise CommandError(str(error), returncode=UNUSABLE) from None
        return Options(organization, translator, given["shift_to_now"], given["dry_run"])

    def import_file(self, path: Path, options: Options) -> Report:
        """Raises Unusable or OSError."""
        now = timezone.now()
        with path.open("rb") as raw, RejectsFile(path) as rejects:
            shift = self.shift(raw, path, options, now)
            work = Import(
                self.kind, options.organization, now=now, shift=shift, dry_run=options.dry_run, reject=rejects.write
            )
            raw.seek(0)
            with _progress(path.name, raw) as advance:
                try:
                    for _ in work.run(read_records(raw, path.name, options.translator)):
                        advance()
                except KeyboardInterrupt:
                    message = f"Interrupted after {work.totals.read:,} records; what was read is stored. Run it again."
                    raise CommandError(message, returncode=INTERRUPTED) from None
            return Report(str(path), work.totals, shift, str(rejects.path) if rejects.path else None)

    def shift(self, raw: BufferedReader, path: Path, options: Options, now: datetime) -> timedelta:
        """By how much the file's times are moved; the first import of a file decides it for all."""
        sha256 = hashlib.file_digest(raw, "sha256").hexdigest()
        known = remembered_shift(options.organization, sha256)
        if not options.shift_to_now:
            if known:
                note = (
                    f"{path.name} was imported moved by {known.days // 7} weeks; without --shift-to-now it moves back."
                )
                self.stderr.write(self.style.WARNING(note))
            return timedelta(0)
        if known is not None:
            return known
        raw.seek(0)
        with _progress(f"{path.name}: last moment", raw) as advance:
            records = _advancing(read_records(raw, path.name, options.translator), advance)
            shift = shift_to(now, self.kind, records)
        if shift is None or options.dry_run:
            return shift or timedelta(0)
        return remember_shift(options.organization, sha256, shift)

    def print_report(self, report: Report, options: Options) -> None:
        lines = [report.file + (" (dry run: nothing was stored)" if options.dry_run else "")]
        if options.shift_to_now:
            lines.append(f"  moved by {report.shift.days // 7:,} weeks")
        lines += [f"  {name:<9} {count:>12,}" for name, count in asdict(report.totals).items()]
        if report.rejected_file:
            lines.append(self.style.WARNING(f"  the rejected ones, with reasons: {report.rejected_file}"))
        self.stdout.write("\n".join(lines))

    def print_json(self, reports: list[Report], options: Options) -> None:
        totals = Totals()
        for report in reports:
            totals += report.totals
        files = [report.as_data() for report in reports]
        self.stdout.write(json.dumps({"dry_run": options.dry_run, **asdict(totals), "files": files}))


@contextmanager
def _progress(title: str, raw: BufferedReader) -> Iterator[Any]:
    """A bar over the bytes of the file on a terminal, nothing elsewhere; gives the function that moves it on."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task: TaskID = progress.add_task(title, total=_size(raw))
        yield lambda: progress.update(task, completed=raw.tell())


def _size(raw: BufferedReader) -> int:
    here = raw.tell()
    size = raw.seek(0, 2)
    raw.seek(here)
    return size


def _advancing(records: Iterable[Record], advance: Any) -> Iterator[Record]:
    for number, record in enumerate(records):
        if not number % 1_000:
            advance()
        yield record
