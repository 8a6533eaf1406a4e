"""Figures as an OpenTelemetry metrics request, in the JSON form of OTLP 1.x. Pure.

Written by hand, as it is one nested object: the SDK would bring Protocol Buffers and a thread of its own into the
worker, and it keeps figures in the process, while ours are in the database.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

CUMULATIVE = 2
SERVICE = "slo-portal"
Json = dict[str, Any]
Labels = tuple[tuple[str, str], ...]


def request(families: Iterable[Metric], *, since: datetime, now: datetime) -> Json:
    """The body of a POST to /v1/metrics; counters have grown since `since`."""
    resource = {"attributes": _attributes({"service.name": SERVICE})}
    metrics = [_metric(family, _times(since, now)) for family in families if family.samples]
    return {
        "resourceMetrics": [
            {"resource": resource, "scopeMetrics": [{"scope": {"name": SERVICE}, "metrics": metrics}]}
        ]
    }  # fmt: skip


def _metric(family: Metric, times: Json) -> Json:
    found: Json = {"name": family.name, "description": family.documentation}
    if family.type == "histogram":
        points = [_histogram(labels, samples, times) for labels, samples in _series(family.samples).items()]
        return found | {"histogram": {"dataPoints": points, "aggregationTemporality": CUMULATIVE}}
    if family.type == "counter":
        points = [_point(sample, times) for sample in family.samples]
        grown = {"dataPoints": points, "aggregationTemporality": CUMULATIVE, "isMonotonic": True}
        return found | {"name": f"{family.name}_total", "sum": grown}
    now = {"timeUnixNano": times["timeUnixNano"]}
    return found | {"gauge": {"dataPoints": [_point(sample, now) for sample in family.samples]}}


def _point(sample: Sample, times: Json) -> Json:
    return {"attributes": _attributes(sample.labels), "asDouble": sample.value, **times}


def _series(samples: Sequence[Sample]) -> Mapping[Labels, list[Sample]]:
    found: dict[Labels, list[Sample]] = defaultdict(list)
    for sample in samples:
        found[tuple((name, word) for name, word in sample.labels.items() if name != "le")].append(sample)
    return found


def _histogram(labels: Labels, samples: Sequence[Sample], times: Json) -> Json:
    """Prometheus counts what is below each edge, OpenTelemetry what is between two."""
    below = [(float(one.labels["le"]), int(one.value)) for one in samples if one.name.endswith("_bucket")]
    counts = [count - before for (_, count), before in zip(below, [0, *(count for _, count in below)], strict=False)]
    total = next(one.value for one in samples if one.name.endswith("_sum"))
    return {
        "attributes": _attributes(dict(labels)),
        "count": str(below[-1][1]),
        "sum": total,
        "bucketCounts": [str(count) for count in counts],
        "explicitBounds": [edge for edge, _ in below[:-1]],
        **times,
    }


def _times(since: datetime, now: datetime) -> Json:
    return {"startTimeUnixNano": _nano(since), "timeUnixNano": _nano(now)}


def _nano(moment: datetime) -> str:
    """64-bit numbers are texts in the JSON form."""
    return str(int(moment.timestamp()) * 1_000_000_000)


def _attributes(labels: Mapping[str, str]) -> list[Json]:
    return [{"key": name, "value": {"stringValue": word}} for name, word in labels.items()]
