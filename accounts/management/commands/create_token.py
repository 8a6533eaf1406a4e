from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import audit
from accounts.models import ApiToken, Membership, Organization, User
from accounts.tokens import issue


class Command(BaseCommand):
    help = "Print a new bearer token for the API. It is shown once; only its hash is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="user name of whoever acts by the token")
        parser.add_argument("--organization", default="default", metavar="SLUG", help="default: default")
        parser.add_argument("--name", default="command line", help="where it is used, to recognise it by")
        parser.add_argument("--scope", default="read", choices=ApiToken.Scope.values, help="default: read")
        parser.add_argument("--expires", type=int, metavar="DAYS", help="default: never")

    def handle(self, *args: Any, **options: Any) -> None:
        user, organization = self._user(options["user"]), self._organization(options["organization"])
        if not (user.is_superuser or Membership.objects.filter(user=user, organization=organization).exists()):
            raise CommandError(f"{user} is no member of {organization.slug}; add the membership in the admin first.")
        days = options["expires"]
        if days is not None and not 1 <= days <= 3650:
            raise CommandError("--expires takes 1 to 3650 days.")
        until = timezone.now() + timedelta(days=days) if days else None
        token, secret = issue(user, organization, name=options["name"][:100], scope=options["scope"], expires_at=until)
        made = audit.Action.TOKEN_MADE
        audit.record(made, now=timezone.now(), on=token, changes={"scope": [None, token.scope]}, note="command line")
        self.stdout.write(secret)

    def _user(self, name: str) -> User:
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {name!r}.")
        return user

    def _organization(self, slug: str) -> Organization:
        organization = Organization.objects.filter(slug=slug, is_active=True).first()
        if organization is None:
            known = ", ".join(Organization.objects.values_list("slug", flat=True))
            raise CommandError(
                f"There is no active organisation {slug!r}; there are: {known or 'none yet, run bootstrap'}."
            )
        return organization
