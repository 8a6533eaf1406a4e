#!/usr/bin/env python
import os
import sys

from django.core.management import execute_from_command_line
from django.db import OperationalError

from accounts import reach
from slo_portal import checks, env, second_shell
from slo_portal.local import StartError


def run(arguments: list[str]) -> None:
    """Run a command of Django or of the portal, and the portal's own database for its time where it needs one."""
    if env.text("DATABASE_URL") or not second_shell.needs_database(arguments[1:]):
        return execute_from_command_line(arguments)
    with second_shell.database():
        execute_from_command_line(arguments)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "slo_portal.settings")
    reach.by_default(reach.EVERYTHING)  # commands work for the operator
    try:
        run(sys.argv)
    except StartError as error:
        sys.exit(str(error))
    except OperationalError as error:
        if "--traceback" in sys.argv:
            raise
        checks.refuse_broken_settings()  # the checks of models may have asked the database before
        sys.exit(f"The database cannot be used: {error}\nA new one is filled by `manage.py migrate` or `make run`.")
