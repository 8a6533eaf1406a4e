import json
from dataclasses import asdict
from itertools import groupby
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from slo_portal.doctor import GROUPS, Finding, examine


class Command(BaseCommand):
    help = "Look for what keeps the portal from being of use, and say what to do about it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        order = list(GROUPS)
        found = sorted(examine(now=timezone.now()), key=lambda one: order.index(one.group))
        broken = [one for one in found if not one.hint]
        if options["json"]:
            self.stdout.write(json.dumps({"healthy": not broken, "findings": [asdict(one) for one in found]}, indent=2))
        else:
            self._print(found)
        if broken:
            raise SystemExit(1)

    def _print(self, found: list[Finding]) -> None:
        by_group = {group: list(those) for group, those in groupby(found, key=lambda one: one.group)}
        for group, well in GROUPS.items():
            if group not in by_group:
                self.stdout.write(f"ok       {well}.")
            for one in by_group.get(group, []):
                self.stdout.write(f"{'note    ' if one.hint else 'PROBLEM '} {one.says}")
                self.stdout.write(f"         -> {one.do}")
