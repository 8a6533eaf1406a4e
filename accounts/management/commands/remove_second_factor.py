from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import audit, second_factor
from accounts.models import User


class Command(BaseCommand):
    help = "Remove the second factor of a user whose telephone and recovery codes are lost, and end all sessions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="user name")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']!r}.")
        if not user.totp_since:
            raise CommandError(f"{user} has no second factor.")
        second_factor.remove(user)
        audit.record(audit.Action.SECOND_FACTOR_OFF, now=timezone.now(), on=user, note="by the command line")
        self.stdout.write(f"{user} signs in by password alone, until a second factor is set up again.")
