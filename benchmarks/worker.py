"""A process that measures one database on command, so that two databases can be measured in turn.

Reads lines from standard input (`tick 12`, `judge 1`, `open 100`, `snapshots`, `recalculate`) and answers seconds. The
tick's transaction is rolled back: every measurement meets the same state.
"""

import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import django

from accounts import reach

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "slo_portal.settings")
django.setup()
reach.by_default(reach.EVERYTHING)

from django.db import transaction  # noqa: E402 - after the set-up
from django.utils import timezone  # noqa: E402

from accounts.models import Organization  # noqa: E402
from alerts.evaluate import evaluate  # noqa: E402
from alerts.models import SLOAlert  # noqa: E402
from benchmarks import collector  # noqa: E402
from kpis.messages import INVOICE  # noqa: E402
from kpis.models import DirtyBucket  # noqa: E402
from kpis.periods import BUCKET, floor  # noqa: E402
from monitoring import samples, scrape  # noqa: E402
from monitoring.exposition import TEXT  # noqa: E402
from slos import snapshots  # noqa: E402
from slos.models import EngineState, SLODefinition, SLOSnapshot  # noqa: E402
from slos.tick import Then, tick  # noqa: E402

BUDGETS = ["error_budget_consumed", "error_budget_exhausted"]


def measure_tick(organization: Organization, now: datetime, buckets: str, then: Then | None = None) -> float:
    """Seconds of a tick over marks of every field in the last `buckets` buckets."""
    starts = [floor(now) - i * BUCKET for i in range(int(buckets))]
    marks = [DirtyBucket(organization=organization, field=name, start=at) for at in starts for name in INVOICE.times]
    with transaction.atomic():
        DirtyBucket.objects.bulk_create(marks)
        seconds = timed(lambda: tick(organization, now=now, then=then))
        transaction.set_rollback(True)
    return seconds


def measure_judging(organization: Organization, now: datetime, buckets: str) -> float:
    """Seconds of the same tick when its conditions are judged, too; none holds."""
    return measure_tick(organization, now, buckets, evaluate)


def measure_opening(organization: Organization, now: datetime, number: str) -> float:
    """Seconds of a tick in which so many objectives miss a stricter target: an alert each."""
    with transaction.atomic():
        some = organization.slos.active().filter(sli_type__in=["time_to_ready", "approval_latency"])
        chosen = some.order_by("name").values_list("pk", flat=True)[: int(number)]
        SLODefinition.objects.filter(pk__in=list(chosen)).update(target_percentage="99.9", alert_types_off=BUDGETS)
        seconds = timed(lambda: tick(organization, now=now, then=evaluate))
        opened = SLOAlert.objects.filter(organization=organization).count()
        assert opened == int(number), f"{opened} alerts opened"
        transaction.set_rollback(True)
    return seconds


def measure_snapshots(organization: Organization, now: datetime) -> float:
    """Seconds for all look-backs and windows of every objective, written to the snapshots."""
    slos = list(organization.slos.active())
    with transaction.atomic():
        SLOSnapshot.objects.update(total=-1)  # so that every row is really written
        seconds = timed(lambda: snapshots.write(organization, slos, now=now))
        transaction.set_rollback(True)
    return seconds


def measure_recalculation(organization: Organization, now: datetime) -> float:
    """Seconds for counting every objective anew from all raw rows."""
    SLOSnapshot.objects.all().delete()
    return timed(lambda: tick(organization, now=now))


def expose(organization: Organization, now: datetime) -> float:
    """Write every figure; seconds for putting them into words, as the tick does when one has changed."""
    snapshots.write(organization, list(organization.slos.active()), now=now)
    return timed(lambda: samples.refresh(organization, now=now))


def measure_scrape(organization: Organization, now: datetime) -> float:
    """Seconds of both sets."""
    return timed(lambda: [scrape.text([organization], which, TEXT, now=now) for which in scrape.SETS])


def measure_collecting(organization: Organization, now: datetime) -> float:
    """Seconds of the same series when each is made of rows."""
    return timed(lambda: collector.text(organization, now))


def count_series(organization: Organization, now: datetime) -> float:
    texts = [scrape.text([organization], which, TEXT, now=now) for which in scrape.SETS]
    return sum(not line.startswith("#") for text in texts for line in text.splitlines())


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    organization = Organization.objects.get(slug="default")
    now = floor(timezone.now(), timedelta(hours=1))
    tick(organization, now=now)
    EngineState.objects.filter(organization=organization).update(ticked_at=now)
    acts: dict[str, Callable[..., float]] = {
        "tick": measure_tick,
        "judge": measure_judging,
        "open": measure_opening,
        "snapshots": measure_snapshots,
        "recalculate": measure_recalculation,
        "expose": expose,
        "scrape": measure_scrape,
        "collect": measure_collecting,
        "series": count_series,
    }
    print("ready", flush=True)
    for line in sys.stdin:
        name, *arguments = line.split()
        print(acts[name](organization, now, *arguments), flush=True)


if __name__ == "__main__":
    main()
