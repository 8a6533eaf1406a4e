"""Figures in DogStatsD's form, for Datadog's agent. Pure.

Every figure goes as a gauge, a counter as the total that it has come to: what is lost on the way, or sent twice, makes
no difference, and Datadog takes rates of it by `diff` or `monotonic_diff`.
"""

from collections.abc import Iterable, Iterator, Mapping

from monitoring.exposition import number

LONGEST = 1432  # bytes: what passes through a network in one piece
SPECIAL = str.maketrans(dict.fromkeys(",|#\r\n", "_"))  # what separates tags and lines


def line(name: str, labels: Mapping[str, str], value: float) -> str:
    """One figure with its labels as tags."""
    tags = ",".join(f"{label}:{word.translate(SPECIAL)}" for label, word in labels.items() if word)
    return f"{name}:{number(value)}|g{'|#' + tags if tags else ''}"


def packets(lines: Iterable[str], longest: int = LONGEST) -> Iterator[bytes]:
    """As many lines in each as fit; one that is too long by itself is left out."""
    packet = b""
    for one in (text.encode() for text in lines):
        if len(one) > longest:
            continue
        if packet and len(packet) + 1 + len(one) > longest:
            yield packet
            packet = b""
        packet = packet + b"\n" + one if packet else one
    if packet:
        yield packet
