"""What a Prometheus reads of the portal."""

from collections.abc import Mapping

from django.test import Client
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

ADDRESS = "/health/metrics"
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(query: str = "", token: str = "", **headers: str) -> Series:
    """Every series with its value; each one may come once."""
    given = {"authorization": f"Bearer {token}", **headers} if token else headers
    answer = Client().get(ADDRESS + query, headers=given)
    assert answer.status_code == 200, answer.content
    parse = parse_openmetrics if "openmetrics" in answer["Content-Type"] else parse_text
    series: Series = {}
    for family in parse(answer.content.decode()):
        for one in family.samples:
            key = one.name, frozenset(one.labels.items())
            assert key not in series, key
            series[key] = one.value
    return series


def value(series: Series, name: str, **labels: str) -> float | None:
    """Of the one series with these labels among others; None when there is none."""
    found = [one for (of, those), one in series.items() if of == name and labels.items() <= dict(those).items()]
    assert len(found) < 2, (name, labels)
    return found[0] if found else None


def names(series: Series) -> set[str]:
    return {name for name, _ in series}


def labels_of(series: Series) -> list[Mapping[str, str]]:
    return [dict(labels) for _, labels in series]
