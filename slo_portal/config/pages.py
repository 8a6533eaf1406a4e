"""What differs from the file, and what a file of OpenSLO would change, as the administration shows it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from accounts.models import Organization
from slo_portal.config import openslo, words
from slo_portal.config.applying import ARCHIVED, ONLY_HERE, SAME, Difference, Refused, apply, compare, export
from slo_portal.config.entries import Place
from slo_portal.config.reading import MOST, read
from slos.catalogue import RULES
from slos.openslo import reading, writing

FILE = f"{RULES.parent.name}/{RULES.name}"
LARGEST = 4 * reading.LONGEST  # bytes


class Row(NamedTuple):
    """One value that differs, or an entry that is only on one side."""

    section: str
    name: str
    field: str
    here: str
    there: str


@dataclass(frozen=True)
class Drift:
    summary: str = ""
    rows: Sequence[Row] = ()
    problems: Sequence[str] = ()
    file: str = FILE


@dataclass(frozen=True)
class Taken:
    """What came of a file: nothing yet, what it would change, or that it is done."""

    text: str = ""
    warnings: Sequence[str] = ()
    problems: Sequence[str] = ()
    rows: Sequence[Row] = ()
    summary: str = ""
    source: str = ""
    done: bool = False


def place(organization: Organization, request: HttpRequest, *, now: datetime) -> Place:
    """Where and in whose name something is changed."""
    return Place(organization, now.astimezone(organization.time_zone).date(), "", request=request)


def drift(place: Place) -> Drift:
    """The organisation beside the file; channels without their secrets."""
    try:
        found = read(RULES.read_text("utf-8"), None)
        differences = compare(found, place)
    except Refused as refused:
        return Drift(problems=[str(one) for one in refused.problems[:MOST]])
    except (OSError, UnicodeDecodeError) as error:
        return Drift(problems=[f"The file cannot be read: {error}"])
    return Drift(words.summary(differences, "only in the file", "differ"), rows(differences))


def rows(differences: Sequence[Difference]) -> list[Row]:
    found: list[Row] = []
    for one in differences:
        place = (one.section.word, one.name)
        if one.state == ONLY_HERE:
            found.append(Row(*place, "", "there", "not there"))
        elif one.state == ARCHIVED:
            found.append(Row(*place, "", "archived, stays so", "there"))
        elif one.row is None:
            found.append(Row(*place, "", "not there", "there"))
        elif one.state != SAME:
            found += [Row(*place, each.name, words.text(each.old), words.text(each.new)) for each in one.fields]
    return found


def taken_in(posted: Mapping[str, Any], files: Mapping[str, Any], place: Place, *, now: datetime) -> Taken:
    """First a file, whose effect is shown; then its text again, which is applied."""
    upload = files.get("file")
    if isinstance(upload, UploadedFile):
        place.source = str(upload.name)[:80]
        if (upload.size or 0) > LARGEST:
            return Taken(problems=[f"The file is larger than {LARGEST:,} bytes."])
        try:
            return _shown(upload.read().decode("utf-8"), place)
        except UnicodeDecodeError:
            return Taken(problems=["The file is not written in UTF-8. Save it so, and try again."])
    if "text" not in posted:
        wanted = "show" in posted
        return Taken(problems=["Choose a file first."] if wanted else [])
    place.source = str(posted.get("source") or "OpenSLO")[:80]
    return _shown(str(posted["text"]), place, now=now)


def _shown(text: str, place: Place, now: datetime | None = None) -> Taken:
    """With `now` it is applied, where nothing is wrong."""
    found = reading.read(text)
    warnings = [str(one) for one in found.warnings[:MOST]]
    if found.refused:
        return Taken(text, warnings, [str(one) for one in found.refused[:MOST]], source=place.source)
    checked = openslo.configuration(found, place.organization)
    try:
        differences = openslo.of_file(apply(checked, place, now=now) if now else compare(checked, place))
    except Refused as refused:
        return Taken(text, warnings, [str(one) for one in refused.problems[:MOST]], source=place.source)
    return Taken(text, warnings, [], rows(differences), words.summary(differences), place.source, now is not None)


def _file(organization: Organization) -> tuple[str, str]:
    return f"slo-rules-{organization.slug}.yml", export(organization)


def _openslo(organization: Organization) -> tuple[str, str]:
    return f"openslo-{organization.slug}.yaml", writing.as_text(
        organization.slos.current().select_related("organization")
    )


EXPORTS: Mapping[str, Callable[[Organization], tuple[str, str]]] = {"file": _file, "openslo": _openslo}
