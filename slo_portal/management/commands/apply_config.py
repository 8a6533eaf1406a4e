import json
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from slo_portal.config import words
from slo_portal.config.applying import SAME, Difference, Refused, apply, compare
from slo_portal.management import configuration


class Command(BaseCommand):
    help = "Make an organisation as a configuration file says: all of it or, where anything is wrong, nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        configuration.add_file(parser)
        configuration.add_organization(parser)
        parser.add_argument("--dry-run", action="store_true", help="only show what would change")
        parser.add_argument(
            "--prune", action="store_true", help="also delete, or switch off, what the sections of the file leave out"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        file, prune = options["file"], options["prune"]
        found = configuration.of_file(file)
        place = configuration.place(options["organization"], file)
        try:
            if options["dry_run"]:
                differences = compare(found, place)
                text = list(words.lines(differences, prune=prune))
            else:
                text = list(words.lines(compare(found, place), prune=prune))
                differences = apply(found, place, now=timezone.now(), prune=prune)
        except Refused as refused:
            return self._refuse(refused, options)
        self._print(differences, text, options)

    def _refuse(self, refused: Refused, options: dict[str, Any]) -> None:
        if options["json"]:
            found = {"file": options["file"], "applied": False, "errors": configuration.as_json(refused.problems)}
            self.stdout.write(json.dumps(found))
        else:
            self.stderr.write("\n".join(configuration.told(refused.problems, options["file"])))
            self.stderr.write("Nothing was changed.")
        raise SystemExit(1)

    def _print(self, differences: Sequence[Difference], text: Sequence[str], options: dict[str, Any]) -> None:
        dry_run = options["dry_run"]
        if options["json"]:
            told = words.as_json([one for one in differences if one.state != SAME])
            found = {"file": options["file"], "applied": not dry_run, "organization": options["organization"]}
            self.stdout.write(json.dumps({**found, "differences": told}, cls=DjangoJSONEncoder))
            return
        for line in text:
            self.stdout.write(line)
        self.stdout.write(("Would be applied: " if dry_run else "Applied: ") + words.summary(differences))
