"""How the portal itself is, for its operators: each part with a sentence, and what it needed over time as charts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from kpis.periods import floor
from kpis.plots import Chart, Column, Row, bounds, clock, figure, line
from kpis.words import NO_DATA, SPACE, counted, duration, number
from monitoring import health, parts, recorded
from monitoring.health import DOWN, OFF, OK, UNKNOWN, WARNING
from monitoring.recorded import CPU, DATABASE, DELIVERY, MEMORY, QUEUE, TICK, Key, Readings

RANGES = {"6h": ("6 hours", 6, 5), "1d": ("1 day", 24, 15), "7d": ("7 days", 168, 120)}  # hours, minutes of a piece
USUAL = "1d"
COMPONENTS = ("web", "worker", "beat", "database")
DASHES = {"web": "solid", "worker": "dash", "beat": "dot", "database": "dashdot"}
MB = 1_000_000


class State(NamedTuple):
    """Shape, word and tone: the colour is never alone."""

    mark: str
    word: str
    tone: str


STATES = {
    OK: State("✔", "Works", "met"),
    WARNING: State("▲", "Look at it", "risk"),
    DOWN: State("✖", "Down", "bad"),
    UNKNOWN: State("○", "Not known", "none"),
    OFF: State("‖", "Switched off", "paused"),
}
TITLES = {
    "web": "Web",
    "worker": "Worker",
    "beat": "Beat",
    "database": "Database",
    "broker": "Broker",
    "calculation_lag": "Calculation",
    "notification_lag": "Notifications",
    "disk": "Disk",
}


class Line(NamedTuple):
    """One part of the portal; memory and processor time are None where nobody has measured them."""

    title: str
    state: State
    says: str
    memory: str
    cpu: str


def lines(now: datetime) -> list[Line]:
    """The parts as they are now, the web process first: it answers."""
    found = {"web": health.Part(OK), **health.look(now=now)}
    used = {one.name: one for one in parts.components(now=now)}
    return [
        Line(
            title,
            STATES[found[name].status],
            found[name].reason or WELL[name](found[name].more),
            megabytes(used[name].memory_bytes if name in used else None),
            share(used[name].cpu_percent if name in used else None),
        )
        for name, title in TITLES.items()
    ]


def _seen(more: Mapping[str, object]) -> str:
    return f"It showed that it lives {duration(_float(more, 'last_seen_seconds'))} ago."


WELL: Mapping[str, Callable[[Mapping[str, object]], str]] = {  # what a part says while nothing is wrong
    "web": lambda more: "It has made this page.",
    "worker": _seen,
    "beat": _seen,
    "database": lambda more: "It takes connections.",
    "broker": lambda more: f"{counted(int(_float(more, 'queue_depth')), 'task')} wait in it.",
    "calculation_lag": lambda more: f"Figures are {duration(_float(more, 'lag_seconds'))} old.",
    "notification_lag": lambda more: "Nothing is late.",
    "disk": lambda more: f"{number(int(_float(more, 'free_bytes')) // MB)}{SPACE}MB are free.",
}


def _float(more: Mapping[str, object], name: str) -> float:
    found = more.get(name)
    return float(found) if isinstance(found, int | float) else 0.0


def megabytes(size: float | None) -> str:
    return NO_DATA if size is None else f"{size / MB:,.0f}{SPACE}MB"


def share(percent: float | None) -> str:
    return NO_DATA if percent is None else f"{percent:,.1f}{SPACE}%"


def seconds(value: float | None) -> str:
    return NO_DATA if value is None else f"{value:,.2f}{SPACE}s"


def tasks(value: float | None) -> str:
    return NO_DATA if value is None else number(int(value))


@dataclass(frozen=True)
class Asked:
    """So many pieces of `width` from `start`, in UTC; `zone` is the reader's."""

    start: datetime
    zone: tzinfo | None
    width: timedelta
    pieces: int
    readings: Readings

    @property
    def moments(self) -> list[datetime]:
        return [self.start + self.width * k for k in range(self.pieces)]

    @property
    def x(self) -> list[str]:
        return [clock(at.astimezone(self.zone)) for at in self.moments]

    def said(self, at: datetime) -> str:
        return at.astimezone(self.zone).strftime("%a %-d %b, %H:%M")

    def of(self, key: Key) -> list[float | None]:
        known = self.readings.get(key, {})
        return [known.get(at) for at in self.moments]


class Shown(NamedTuple):
    """One line of a chart; values are divided by `per`."""

    word: str
    key: Key
    colour: str
    dash: str = "solid"


def charts(name: str, *, now: datetime) -> list[Chart]:
    """Over the range of that name; `now` in the reader's time zone."""
    _, hours, minutes = RANGES[name]
    width, pieces = timedelta(minutes=minutes), hours * 60 // minutes
    start = floor(now.astimezone(UTC), width) - width * (pieces - 1)
    asked = Asked(start, now.tzinfo, width, pieces, recorded.readings(start, now + width, width))
    series = [(word, f"--series-{k + 1}", DASHES[word]) for k, word in enumerate(COMPONENTS)]
    memory, cpu = (
        [Shown(word.capitalize(), (of, word), colour, dash) for word, colour, dash in series] for of in (MEMORY, CPU)
    )
    took = [Shown("Slowest tick", (TICK, ""), "--series-1")]
    took += [Shown("Longest delivery", (DELIVERY, ""), "--series-2", "dash")]
    queue, size = (Shown(word, (of, ""), "--series-1") for word, of in (("Tasks", QUEUE), ("Size", DATABASE)))
    return [
        _chart(asked, "memory", "Memory", memory, megabytes, " MB", per=MB),
        _chart(asked, "cpu", "Processor time", cpu, share, " %"),
        _chart(asked, "took", "How long ticks and deliveries take", took, seconds, " s"),
        _chart(asked, "queue", "Tasks that wait", [queue], tasks),
        _chart(
            asked,
            "size",
            "Size of the database",
            [size],
            megabytes,
            " MB",
            per=MB,
        ),
    ]


def _chart(
    asked: Asked,
    key: str,
    title: str,
    shown: Sequence[Shown],
    words: Callable[[float | None], str],
    suffix: str = "",
    per: float = 1,
) -> Chart:
    values = [asked.of(one.key) for one in shown]
    drawn = [[None if value is None else value / per for value in each] for each in values]
    traces = [
        line(one.word, asked.x, y, one.colour, dash=one.dash, hover=f"%{{y:,.2f}}{suffix}")
        for one, y in zip(shown, drawn, strict=True)
    ]
    known = any(value is not None for each in values for value in each)
    ends = (asked.x[0], clock((asked.start + asked.width * asked.pieces).astimezone(asked.zone)))
    rows = [
        Row([at, *found])
        for at, *found in zip(asked.moments, *values, strict=True)
        if any(value is not None for value in found)
    ]
    columns = [
        Column("From", lambda at: at.astimezone(asked.zone).strftime("%a %-d %b, %H:%M")),
        *(Column(one.word, words) for one in shown),
    ]
    plot = figure(traces, y=bounds(*drawn), x=ends, suffix=suffix) if known else None
    return Chart(key, title, _sentence(shown, values, words), plot, columns, rows[::-1], EMPTY)


EMPTY = "Nothing was recorded in this time. Beat has the worker record these figures every minute: are both running?"


def _sentence(
    shown: Sequence[Shown], values: Sequence[Sequence[float | None]], words: Callable[[float | None], str]
) -> str:
    """The newest and the highest of each line."""
    said = []
    for one, each in zip(shown, values, strict=True):
        known = [value for value in each if value is not None]
        if known:
            said.append(f"{one.word}: {words(known[-1])} last, {words(max(known))} at most.")
    return " ".join(said)
