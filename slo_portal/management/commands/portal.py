import sys
import threading
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from slo_portal.local import StartError
from slo_portal.stack import Stack


class Command(BaseCommand):
    help = "Start database, broker, web, worker and beat in the foreground, on PORT. Ctrl-C stops it all."

    def handle(self, *_: Any, **__: Any) -> None:
        self.speaking = threading.Lock()
        try:
            code = self.stack().run()
        except StartError as error:
            raise CommandError(str(error)) from None
        sys.exit(code)

    def stack(self) -> Stack:
        return Stack(settings.PORT, self.say)

    def say(self, name: str, line: str) -> None:
        with self.speaking, suppress(OSError):  # nobody may be listening any more
            self.stdout.write(f"{timezone.now():%H:%M:%S} {name:8} | {line}")
            self.stdout.flush()
