from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import Organization
from monitoring import rules
from slos.models import SLODefinition

HEADER = "# Made by `manage.py prometheus_rules`; make it again when objectives change.\n"


class Command(BaseCommand):
    help = "Print recording and alert rules for Prometheus, of every active SLO."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="SLUG", help="default: all active organisations")

    def handle(self, *args: Any, **options: Any) -> None:
        organizations = Organization.objects.filter(is_active=True)
        if options["organization"]:
            organizations = organizations.filter(slug=options["organization"])
        if not organizations:
            raise CommandError(f"There is no active organisation {options['organization'] or ''}.", returncode=2)
        now = timezone.now()
        slos = list(
            SLODefinition.objects.active()
            .filter(organization__in=organizations)
            .select_related("organization")
            .order_by("organization__slug", "name")
        )
        groups = rules.groups(slos, {slo.pk: rules.rules_of(slo, now) for slo in slos})
        text = yaml.safe_dump({"groups": groups}, sort_keys=False, allow_unicode=True, width=10_000)
        self.stdout.write(HEADER + text, ending="")
