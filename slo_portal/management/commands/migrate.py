from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate

from slo_portal import walls


class Command(migrate.Command):
    """Django's own, as the owner of the tables: the role of the portal's queries may not change them."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if options["database"] == "owner" and not (
            options["plan"] or options["check_unapplied"] or options["app_label"]
        ):
            walls.build()
