"""The page on the exposition names what the portal exposes, and nothing else."""

import re
from pathlib import Path

from monitoring import families, health
from monitoring.exposition import Family
from slos.counters import MOST_KINDS, MOST_SEVERITIES
from slos.hourly import CONFIDENCES, SECONDS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "exposition.md").read_text()


def first_cells(pattern: str) -> set[str]:
    return set(re.findall(rf"^\| `({pattern})` \|", PAGE, re.MULTILINE))


def test_every_name_is_documented_with_its_kind_and_no_other():
    known = {family.name: family for family in (*families.STORED, *families.LIVE, *families.SLOTH)}
    assert first_cells("(?:ap_intake_|slo:)[^`]+") == known.keys()
    assert [family.name for family in (*families.STORED, *families.LIVE) if kind(family) != family.kind] == []


def kind(family: Family) -> str:
    found = re.search(rf"^\| `{family.name}` \| (\w+)", PAGE, re.MULTILINE)
    return found[1] if found else ""


def test_edges_and_bounds_are_those_of_the_code():
    for edges in (SECONDS, CONFIDENCES):
        assert f"Edges: {', '.join(map(str, edges))}" in PAGE
    assert f"first {MOST_KINDS} kinds and {MOST_SEVERITIES} severities" in PAGE


def test_every_part_of_the_house_is_documented():
    assert first_cells("|".join([*health.NEEDED, "versions"])) == {*health.NEEDED, "versions"}
