"""The text formats in which Prometheus reads figures: 0.0.4 and OpenMetrics 1.0.0."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

TEXT, OPENMETRICS, JSON = "text", "openmetrics", "json"
CONTENT_TYPES = {
    TEXT: "text/plain; version=0.0.4; charset=utf-8",
    OPENMETRICS: "application/openmetrics-text; version=1.0.0; charset=utf-8",
    JSON: "application/json",
}
ESCAPED = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"


@dataclass(frozen=True)
class Family:
    """One name with its samples; the name of a counter ends in _total."""

    name: str
    kind: str
    help: str

    def header(self, form: str) -> str:
        """OpenMetrics calls the family of a counter without its _total."""
        name = self.name.removesuffix("_total") if form == OPENMETRICS else self.name
        return f"# HELP {name} {self.help}\n# TYPE {name} {self.kind}\n"


def pairs(labels: Mapping[str, str]) -> str:
    """What stands in the braces of a line."""
    return ",".join([f'{label}="{word.translate(ESCAPED)}"' for label, word in labels.items()])


def line(name: str, rendered: str, value: float | Decimal) -> str:
    """One line, with labels that `pairs` has rendered."""
    return f"{name}{{{rendered}}} {number(value)}\n"


def sample(name: str, labels: Mapping[str, str], value: float | Decimal) -> str:
    """One line."""
    return line(name, pairs(labels), value)


def number(value: float | Decimal) -> str:
    """Exact where it is; whole numbers without a point."""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def histogram(
    name: str,
    labels: Mapping[str, str],
    edges: Iterable[float],
    counted: Mapping[int, Decimal],
    total: Decimal,
) -> Iterator[str]:
    """The lines of one histogram; `counted` is what lies at each edge and above the one before, by place."""
    below = Decimal(0)
    places = [*map(repr, map(float, edges)), "+Inf"]
    for place, edge in enumerate(places):
        below += counted.get(place, Decimal(0))
        yield sample(f"{name}_bucket", {**labels, "le": edge}, below)
    yield sample(f"{name}_sum", labels, total)
    yield sample(f"{name}_count", labels, below)


def render(families: Iterable[Family], samples: Mapping[str, Iterable[str]], form: str) -> str:
    """The whole text: each family that has samples, once."""
    parts = []
    for family in families:
        lines = "".join(samples.get(family.name, ()))
        if lines:
            parts += [family.header(form), lines]
    return "".join([*parts, "# EOF\n"] if form == OPENMETRICS else parts)


def negotiate(accept: str) -> str:
    """The form that an Accept header likes best; plain text for whoever does not care."""
    best, found = 0.0, TEXT
    for part in accept.split(","):
        media, *parameters = (word.strip().lower() for word in part.split(";"))
        given = dict(word.split("=", 1) for word in parameters if "=" in word)
        form = _form(media, given.get("version", "").strip('"'))
        liking = _liking(given.get("q", "1"))
        if form and liking > best:
            best, found = liking, form
    return found


def _form(media: str, version: str) -> str:
    if media == "application/openmetrics-text":
        return OPENMETRICS if version in ("", "1.0.0") else ""
    if media == "application/json":
        return JSON
    return TEXT if media in ("text/plain", "text/*", "*/*") and version in ("", "0.0.4") else ""


def _liking(q: str) -> float:
    try:
        return min(max(float(q), 0.0), 1.0)
    except ValueError:
        return 0.0
