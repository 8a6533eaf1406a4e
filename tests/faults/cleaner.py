"""Cleans up in children that are killed in it, then once to its end: `python -m tests.faults.cleaner SLUG NOW KILLS`.

Says on standard output, for each child, the signal that ended it; its last line is what the last run deleted.
"""

import json
import os
import sys
from datetime import datetime

import django

from accounts import reach

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "slo_portal.settings")
django.setup()
reach.by_default(reach.EVERYTHING)

from accounts.models import Organization  # noqa: E402 - settings first
from kpis import failpoints  # noqa: E402
from slo_portal import clean_up  # noqa: E402

SECOND = 7  # each so many children come through one transaction before they are killed


def clean(slug: str, now: datetime) -> dict[str, int]:
    return clean_up.of_organization(Organization.objects.get(slug=slug), now=now)


def killed(slug: str, now: datetime, passes: int) -> int:
    """The signal that ended a child which was to be killed at that pass; it has connections of its own."""
    if child := os.fork():
        return os.WTERMSIG(os.waitpid(child, 0)[1])
    failpoints._armed["retention.before_commit"] = f"kill:{passes}"
    clean(slug, now)
    os._exit(0)


if __name__ == "__main__":
    at = datetime.fromisoformat(sys.argv[2])
    for number in range(1, int(sys.argv[3]) + 1):
        print(killed(sys.argv[1], at, 1 if number % SECOND else 2), flush=True)  # noqa: T201
    print(json.dumps(clean(sys.argv[1], at)))  # noqa: T201
