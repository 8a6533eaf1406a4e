import json
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from slo_portal.config.reading import json_schema
from slo_portal.management import configuration


class Command(BaseCommand):
    help = "Check a configuration file, without a database: every error with its line and the way out."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        configuration.add_file(parser)
        parser.add_argument(
            "--without-secrets", action="store_true", help="do not ask for the variables that the file names"
        )
        parser.add_argument("--schema", action="store_true", help="print the JSON Schema of such files instead")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["schema"]:
            self.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False))
            return
        file = options["file"]
        problems = configuration.of_file(file, None if options["without_secrets"] else os.environ).problems
        if options["json"]:
            found = {"file": file, "valid": not problems, "errors": configuration.as_json(problems)}
            self.stdout.write(json.dumps(found))
        elif problems:
            self.stderr.write("\n".join(configuration.told(problems, file)))
        else:
            self.stdout.write(f"{file} is valid.")
        if problems:
            raise SystemExit(1)
