from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from slo_portal.config.applying import export
from slo_portal.management import configuration


class Command(BaseCommand):
    help = "Print the configuration of an organisation as a file, without its secrets."

    def add_arguments(self, parser: CommandParser) -> None:
        configuration.add_organization(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        organization = configuration.place(options["organization"], "").organization
        self.stdout.write(export(organization), ending="")
