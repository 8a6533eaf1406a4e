import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from slo_portal.config import openslo, words
from slo_portal.config.applying import SAME, Refused, apply, compare
from slo_portal.management import configuration
from slos.openslo import reading, writing


class Command(BaseCommand):
    help = "Print objectives as OpenSLO v1, or take them in from such a file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=["export", "import"], help="what to do")
        parser.add_argument("file", metavar="FILE", nargs="?", help="of import: the file")
        configuration.add_organization(parser)
        parser.add_argument("--slo", action="append", metavar="NAME", help="of export: only this one; may be repeated")
        parser.add_argument("--dry-run", action="store_true", help="of import: only show what would change")
        parser.add_argument("--json", action="store_true", help="of import: print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        place = configuration.place(options["organization"], options["file"] or "")
        if options["act"] == "import":
            if not options["file"]:
                raise CommandError("Name the file to import.", returncode=2)
            return self._import(place, options)
        slos = place.organization.slos.current().select_related("organization")
        if options["slo"]:
            slos = slos.filter(name__in=options["slo"])
        if len(slos) < len(set(options["slo"] or ())):
            raise CommandError("There is no objective of that name.", returncode=2)
        self.stdout.write(writing.as_text(slos), ending="")

    def _import(self, place: Any, options: dict[str, Any]) -> None:
        try:
            found = reading.read(Path(options["file"]).read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['file']} cannot be read: {error}", returncode=2) from None
        checked, refused = openslo.configuration(found, place.organization), [str(one) for one in found.refused]
        differences = []
        try:
            if refused:
                pass
            elif options["dry_run"]:
                differences = openslo.of_file(compare(checked, place))
            else:
                differences = openslo.of_file(apply(checked, place, now=timezone.now()))
        except Refused as error:
            refused += [str(problem) for problem in error.problems]
        self._print([str(one) for one in found.warnings], refused, differences, options)
        if refused:
            raise SystemExit(1)

    def _print(self, warnings: list[str], refused: list[str], differences: list[Any], options: dict[str, Any]) -> None:
        if options["json"]:
            told = words.as_json([one for one in differences if one.state != SAME])
            applied = not refused and not options["dry_run"]
            result = {"applied": applied, "warnings": warnings, "errors": refused, "differences": told}
            self.stdout.write(json.dumps(result, cls=DjangoJSONEncoder))
            return
        for text in warnings:
            self.stderr.write(f"Warning: {text}")
        for text in refused:
            self.stderr.write(text)
        if refused:
            self.stderr.write("Nothing was changed.")
            return
        for line in words.lines(differences, prune=False):
            self.stdout.write(line)
        self.stdout.write(("Would be imported: " if options["dry_run"] else "Imported: ") + words.summary(differences))
