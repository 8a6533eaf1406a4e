"""Objectives from OpenSLO into an organisation: as entries of the configuration file, by the same verbs."""

from typing import Any

from accounts.models import Organization
from kpis.importers.located import Located
from slo_portal.config import reading
from slo_portal.config.applying import ONLY_HERE, Difference
from slo_portal.config.reading import Configuration, Path
from slos import catalogue
from slos.openslo.reading import Found


def configuration(found: Found, organization: Organization) -> Configuration:
    """What was read, checked like the file. What a foreign one does not say of an objective that is there stays."""
    there = {slo.name: slo for slo in organization.slos.filter(name__in=found.foreign)}
    entries: list[dict[str, Any]] = [
        {**catalogue.short(catalogue.entry(there[name])), **entry} if (name := entry["name"]) in there else entry
        for entry in found.entries
    ]
    lines: dict[Path, int] = {("slos", index): found.lines[entry["name"]] for index, entry in enumerate(entries)}
    return reading.check(Configuration(Located({"version": 1, "slos": entries}, lines)), {})


def of_file(differences: list[Difference]) -> list[Difference]:
    """Without the objectives that the file does not name: an import says nothing about them."""
    return [one for one in differences if one.state != ONLY_HERE]
