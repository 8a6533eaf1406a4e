#!/usr/bin/env python
import os
import sys

from django.core.management import execute_from_command_line

from slo_portal import env, second_shell
from slo_portal.local import StartError


def main(arguments: list[str]) -> None:
    """Run a command of Django or of the portal, and the portal's own database for its time where it needs one."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "slo_portal.settings")
    if env.text("DATABASE_URL") or not second_shell.needs_database(arguments[1:]):
        return execute_from_command_line(arguments)
    try:
        with second_shell.database():
            execute_from_command_line(arguments)
    except StartError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv)
