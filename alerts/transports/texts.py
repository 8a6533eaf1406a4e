"""A message in plain words: subject, text, and what fits on a telephone. Pure."""

import hashlib
import string
import unicodedata
from collections import Counter
from datetime import datetime

from alerts.kinds import Severity
from alerts.transports.message import REASONS, Item, Outgoing

MARKS = {"info": "○", "warning": "▲", "critical": "✖", "incident": "✖", "resolved": "✔", "test": "○", "report": "○"}
PLAIN = ("resolved", "test", "report")  # reasons that say what a message is, whatever its severity
LONGEST_SUBJECT = 180
LONGEST_SMS = 306  # two parts, in the alphabet below
GSM = frozenset(
    string.ascii_letters + string.digits + " !\"#%&'()*+,-./:;<=>?@_£$¥èéùìòÇØøÅåÆæßÉÄÖÑÜ§¿¡äöñüà"
)  # the basic alphabet of SMS, less what hardly any text needs
SPELLED = {
    **{ord(one): "-" for one in "\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}\N{NON-BREAKING HYPHEN}·~"},
    **{ord(one): "'" for one in "\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}`^"},
    **{ord(one): '"' for one in "“”„"},
    **{ord(one): "(" for one in "[{"},
    **{ord(one): ")" for one in "]}"},
    **{ord(one): "/" for one in "|\\"},
    **{ord("\N{MULTIPLICATION SIGN}"): "x", ord("≥"): ">=", ord("≤"): "<=", ord("€"): "EUR", ord("…"): "..."},
}


def label(item: Item) -> str:
    """The one word in front of an alert: its severity, or that it is over, or only a test."""
    return item.reason if item.reason in PLAIN else item.severity


def reason(item: Item) -> str:
    """Why it is sent, where the label does not say it already."""
    if item.reason in PLAIN:
        return f"was {item.severity}" if item.reason == "resolved" else ""
    return REASONS.get(item.reason, item.reason)


def since(item: Item, outgoing: Outgoing) -> str:
    began = {"resolved": "Began at", "test": "Sent at", "report": "Made at"}.get(item.reason, "Since")
    return f"{began} {moment(item.opened_at, outgoing)}"


def counted(outgoing: Outgoing) -> str:
    """ "3 critical, 4 warning, 1 resolved", the worst first."""
    counts = Counter(label(item) for item in outgoing.items)
    order = [*reversed([severity.value for severity in Severity]), *PLAIN]
    return ", ".join(f"{counts[word]} {word}" for word in order if counts[word])


def subject(outgoing: Outgoing) -> str:
    """One line, whatever the titles hold."""
    first = outgoing.items[0]
    if len(outgoing.items) > 1:
        text = f"[{label(first)}] {len(outgoing.items)} alerts of {outgoing.organization}: {counted(outgoing)}"
    else:
        again = f"{reason(first)}: " if first.reason not in ("opened", *PLAIN) else ""
        text = f"[{label(first)}] {again}{first.title}"
    return clip(one_line(text), LONGEST_SUBJECT)


def text(outgoing: Outgoing) -> str:
    """The plain text of an e-mail. Every item is in it."""
    head = [f"{len(outgoing.items)} alerts: {counted(outgoing)}"] if len(outgoing.items) > 1 else []
    foot = [f"All alerts: {outgoing.url}"] if outgoing.url else []
    foot.append(f"Sent by the SLO portal for {one_line(outgoing.organization)}.")
    return "\n\n".join([*head, *(_paragraph(item, outgoing) for item in outgoing.items), "\n".join(["-- ", *foot])])


def _paragraph(item: Item, outgoing: Outgoing) -> str:
    lines = [
        " - ".join(filter(None, [label(item).upper(), reason(item)])),
        one_line(item.title),
        item.message.strip(),
        since(item, outgoing),
        f"See: {item.url}" if item.url else "",
        f"Acknowledge: {item.acknowledge_url}" if item.acknowledge_url else "",
    ]
    return "\n".join(line for line in lines if line)


def sms(outgoing: Outgoing) -> str:
    """At most 306 characters of the GSM alphabet, with the link and the reference at the end."""
    first, count = outgoing.items[0], len(outgoing.items)
    link = first.url if count == 1 else outgoing.url or first.url
    tail = f" {link} {reference(outgoing.key)}" if len(link) < LONGEST_SMS // 2 else f" {reference(outgoing.key)}"
    words = first.short or first.title
    lead = f"{label(first).upper()}: " if count == 1 else f"{count} alerts ({counted(outgoing)}). First: "
    return clip(gsm(one_line(lead + words)), LONGEST_SMS - len(gsm(tail)), "...") + gsm(tail)


def reference(key: str) -> str:
    """What names a message inside its text, so that it can be found again at the provider."""
    return f"#{hashlib.sha256(key.encode()).hexdigest()[:10]}"


def gsm(text: str) -> str:
    """Only characters that a telephone shows at one unit each; others become the nearest, or "?"."""
    spelled = unicodedata.normalize("NFC", text).translate(SPELLED)
    return "".join(_nearest(character) for character in spelled)


def _nearest(character: str) -> str:
    if character in GSM:
        return character
    plain = "".join(one for one in unicodedata.normalize("NFKD", character) if not unicodedata.combining(one))
    return plain if plain and set(plain) <= GSM else "?"


def moment(at: datetime, outgoing: Outgoing) -> str:
    local = at.astimezone(outgoing.time_zone)
    return f"{local:%H:%M} on {local:%A}, {local.day} {local:%B %Y} ({outgoing.time_zone.key})"


def one_line(text: str) -> str:
    """Without line breaks and other control characters."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def clip(text: str, length: int, mark: str = "…") -> str:
    return text if len(text) <= length else text[: length - len(mark)].rstrip() + mark
