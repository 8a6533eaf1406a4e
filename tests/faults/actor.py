"""Plays the story in a process of its own: `python -m tests.faults.actor SLUG FIRST`, from a step by its number.

Says the number of each step on standard error before it begins; a failpoint (FAILPOINTS) may end the process anywhere.
After a freeze it ends with its step: others have gone on meanwhile.
"""

import os
import sys

import django

from accounts import reach

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "slo_portal.settings")
django.setup()
reach.by_default(reach.EVERYTHING)

from accounts.models import Organization  # noqa: E402 - settings first
from kpis import failpoints  # noqa: E402
from tests.faults.story import STORY  # noqa: E402


def play(slug: str, first: int) -> None:
    organization = Organization.objects.get(slug=slug)
    for number, (_, step) in enumerate(STORY[first:], first):
        print(f"step {number}", file=sys.stderr, flush=True)  # noqa: T201
        step(organization)
        if failpoints._passes:
            return


if __name__ == "__main__":
    play(sys.argv[1], int(sys.argv[2]))
