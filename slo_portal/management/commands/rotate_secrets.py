import json
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.db.models import Model

from accounts import sealing, second_factor
from accounts.models import User
from alerts import secrets
from alerts.models import Channel


class Command(BaseCommand):
    help = "Encrypt all stored secrets with the present SECRET_KEY, so that SECRET_KEY_FALLBACKS can go."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what can be read and what cannot")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        dry_run = options["dry_run"]
        rotated = 0
        unreadable: list[str] = []
        for model, field, rotate in (
            (Channel, "secret", secrets.rotate),
            (User, "totp_secret", second_factor.rotate),
        ):
            done, failed = _rotate(model, field, rotate, dry_run=dry_run)
            rotated, unreadable = rotated + done, unreadable + failed
        if options["json"]:
            self.stdout.write(json.dumps({"dry_run": dry_run, "rotated": rotated, "unreadable": unreadable}))
        else:
            self.stdout.write(
                f"{rotated} secrets {'can be' if dry_run else 'are'} encrypted with the present SECRET_KEY."
            )
            for one in unreadable:
                self.stderr.write(f"{one}: encrypted with a key that is not in SECRET_KEY_FALLBACKS; enter it anew.")
        if unreadable:
            raise SystemExit(1)


def _rotate(model: type[Model], field: str, rotate: Callable[[str], str], *, dry_run: bool) -> tuple[int, list[str]]:
    """How many could be read, and the names of those that could not, which stay as they are."""
    done, unreadable = 0, []
    rows = model._default_manager.exclude(**{field: ""})
    for pk in rows.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            row = rows.select_for_update().get(pk=pk)
            try:
                new = rotate(getattr(row, field))
            except sealing.Unreadable:
                unreadable.append(f"{model._meta.verbose_name} {row}")
                continue
            if not dry_run:
                model._default_manager.filter(pk=pk).update(**{field: new})
            done += 1
    return done, unreadable
