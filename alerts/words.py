"""An alert in words, as a colleague would say it: what, since when, what it costs, who most, what comes next."""

from alerts.kinds import TYPE_LABELS, Reason
from alerts.known import Facts

LONGEST_TITLE, LONGEST_SHORT = 120, 140


def title(facts: Facts, reason: Reason = Reason.OPENED) -> str:
    """One line of at most 120 characters."""
    return f"{TYPE_LABELS[facts.alert_type]}: {facts.slo}"[:LONGEST_TITLE]


def message(facts: Facts, reason: Reason = Reason.OPENED) -> str:
    """Two to five short sentences of plain text."""
    return f"{title(facts, reason)}."


def short(facts: Facts, reason: Reason = Reason.OPENED) -> str:
    """At most 140 characters, for a telephone."""
    return title(facts, reason)[:LONGEST_SHORT]
