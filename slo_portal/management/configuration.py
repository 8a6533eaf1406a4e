"""What the commands of the configuration have in common."""

import os
from collections.abc import Mapping
from pathlib import Path

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from accounts.models import Organization
from slo_portal.config import reading
from slo_portal.config.entries import Place
from slo_portal.config.reading import MOST, Configuration, Problem
from slos.catalogue import RULES


def add_file(parser: CommandParser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="?", default=str(RULES), help="default: monitoring/slo-rules.yml")


def add_organization(parser: CommandParser) -> None:
    parser.add_argument("--organization", default="default", metavar="SLUG", help="default: default")


def of_file(name: str, environ: Mapping[str, str] | None = os.environ) -> Configuration:
    """Ends the command with 2 where the file cannot be read."""
    try:
        text = Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name} cannot be read: {error}", returncode=2) from None
    return reading.read(text, environ)


def place(slug: str, file: str) -> Place:
    """Ends the command with 2 where there is no such organisation."""
    organization = Organization.objects.filter(slug=slug).first()
    if organization is None:
        raise CommandError(f"There is no organisation {slug!r}.", returncode=2)
    today = timezone.now().astimezone(organization.time_zone).date()
    return Place(organization, today, Path(file).name)


def told(problems: list[Problem], file: str) -> list[str]:
    """A line for each problem, as far as people read."""
    more = [f"... and {len(problems) - MOST} more"] if len(problems) > MOST else []
    return [f"{file}: {problem}" for problem in problems[:MOST]] + more


def as_json(problems: list[Problem]) -> list[dict[str, object]]:
    return [problem._asdict() for problem in problems]
