"""The two text formats, read back by the parsers of Prometheus's own client."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from monitoring.exposition import (
    COUNTER,
    GAUGE,
    HISTOGRAM,
    JSON,
    OPENMETRICS,
    TEXT,
    Family,
    histogram,
    negotiate,
    number,
    render,
    sample,
)

FAMILIES = (Family("a_total", COUNTER, "Things."), Family("b", GAUGE, "A state."), Family("c", HISTOGRAM, "Times."))
PARSERS = {TEXT: parse_text, OPENMETRICS: parse_openmetrics}
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@pytest.mark.parametrize("form", PARSERS)
@given(word=words, value=st.decimals(0, 10**12, places=6))
def test_whatever_a_label_says_it_is_read_back(form, word, value):
    samples = {"a_total": [sample("a_total", {"organization": word}, value)]}
    (family,) = PARSERS[form](render(FAMILIES, samples, form))
    (found,) = family.samples
    assert found.labels == {"organization": word}
    assert found.value == float(value)


@pytest.mark.parametrize("form", PARSERS)
def test_each_kind_is_what_it_says(form):
    samples = {
        "a_total": [sample("a_total", {"x": "1"}, 3)],
        "b": [sample("b", {"x": "1"}, 0.5), sample("b", {"x": "2"}, -2)],
        "c": histogram("c", {"x": "1"}, (1, 2.5), {0: Decimal(2), 2: Decimal(1)}, Decimal("7.25")),
    }
    found = {family.name: family for family in PARSERS[form](render(FAMILIES, samples, form))}
    assert {name: family.type for name, family in found.items()} == {"a": "counter", "b": "gauge", "c": "histogram"}
    assert {family.documentation for family in found.values()} == {"Things.", "A state.", "Times."}
    assert [(one.name, one.labels.get("le"), one.value) for one in found["c"].samples] == [
        ("c_bucket", "1.0", 2),
        ("c_bucket", "2.5", 2),
        ("c_bucket", "+Inf", 3),
        ("c_sum", None, 7.25),
        ("c_count", None, 3),
    ]


def test_a_family_without_samples_is_left_out():
    assert render(FAMILIES, {"b": []}, TEXT) == ""
    assert render(FAMILIES, {}, OPENMETRICS) == "# EOF\n"


def test_numbers_are_exact():
    exact = [Decimal("2.840000"), Decimal("10"), Decimal("100.000000"), 0.1, 3.0, Decimal("1E+3")]
    assert [number(value) for value in exact] == ["2.84", "10", "100", "0.1", "3", "1000"]


PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        (PROMETHEUS, OPENMETRICS),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", TEXT),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT),
        ("application/json", JSON),
        ("application/json;q=0.5, text/plain", TEXT),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        ("application/openmetrics-text; q=0", TEXT),
        (";;q=x,,=", TEXT),
    ],
)
def test_the_form_is_what_the_caller_likes_best(accept, form):
    assert negotiate(accept) == form
