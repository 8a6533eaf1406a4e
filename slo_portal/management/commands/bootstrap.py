import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from accounts.models import Membership, Organization, User
from slo_portal import schedule
from slo_portal.organizations import FIRST, set_up


class Command(BaseCommand):
    help = (
        "Create the default organisation, its objectives, the schedule and the first user. Changes nothing that exists."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            default, _ = Organization.objects.get_or_create(slug=FIRST, defaults={"name": "Default organisation"})
            schedule.ensure()
            created = sum(set_up(one, now=timezone.now()) for one in Organization.objects.all())
            password = self._first_user(default)
        self.stdout.write(f"{created} objectives created; the schedule is in place.")
        if password:
            self.stdout.write(f"Sign in at http://127.0.0.1:{settings.PORT}/ as admin, password {password}")
            self.stdout.write("This password is shown only now; `manage.py changepassword admin` sets another.")

    def _first_user(self, organization: Organization) -> str | None:
        if User.objects.exists():
            return None
        password = secrets.token_urlsafe(12)
        admin = User.objects.create_superuser("admin", password=password)
        Membership.objects.create(user=admin, organization=organization, role=Membership.Role.ADMIN)
        return password
