from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import ProgrammingError

from slo_portal import walls

NO_RIGHT = "42501"


class Command(migrate.Command):
    """Django's own, as the owner of the tables: the role of the portal's queries may not change them."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except ProgrammingError as error:
            if getattr(error.__cause__, "sqlstate", "") != NO_RIGHT:
                raise
            raise CommandError(
                f"{error} The user in DATABASE_URL needs CREATEROLE, to make the role {settings.APPLICATION_ROLE};"
                " or make that role yourself (docs/how-to/run.md)."
            ) from error
        if options["database"] == "owner" and not (
            options["plan"] or options["check_unapplied"] or options["app_label"]
        ):
            walls.build()
