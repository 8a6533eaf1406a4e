"""Slack's incoming webhooks, and what understands the same (Mattermost, Rocket.Chat)."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from alerts.transports import http, texts
from alerts.transports.message import Item, Outgoing, Receipt

# What Slack takes: blocks in a message, characters in a block.
MOST_BLOCKS, LONGEST_BLOCK = 50, 3000
MOST_IN_FULL = 20


def send(config: Mapping[str, str], target: str, outgoing: Outgoing, *, now: datetime) -> Receipt:
    headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": outgoing.key}
    answer = http.post(config["url"], json.dumps(payload(outgoing)).encode(), headers)
    if answer.ok:
        return Receipt(str(answer.status), seconds=answer.seconds)
    said = re.match(r"[a-z_]{4,40}", answer.body)  # "no_service", "channel_is_archived": Slack's own words
    raise http.failure(answer, now=now, detail=said[0] if said else "")


def payload(outgoing: Outgoing) -> dict[str, Any]:
    return {"text": escape(texts.subject(outgoing)), "blocks": blocks(outgoing), "unfurl_links": False}


def blocks(outgoing: Outgoing) -> list[dict[str, Any]]:
    """A block for each alert; in a large bundle a line for each; a count of what Slack cannot hold."""
    head, count = _section(f"*{escape(texts.subject(outgoing))}*"), len(outgoing.items)
    if count == 1:
        return [_section(_in_full(outgoing.items[0], outgoing))]
    if count <= MOST_IN_FULL:
        return [head, *(_section(_in_full(item, outgoing)) for item in outgoing.items)]
    pages = list(islice(_pages(outgoing.items), MOST_BLOCKS - 2))
    left = count - sum(page.count("\n") + 1 for page in pages)
    more = [_section(f"... and {left} more: {link(outgoing.url, 'all alerts')}")] if left else []
    return [head, *map(_section, pages), *more]


def _in_full(item: Item, outgoing: Outgoing) -> str:
    links = [link(item.url, "See the alert"), link(item.acknowledge_url, "Acknowledge")]
    foot = " · ".join(filter(None, [texts.label(item), texts.reason(item), texts.since(item, outgoing)]))
    parts = [f"*{_line(item)}*", _cut(item.message.strip(), 2000), " · ".join(filter(None, links)), f"_{escape(foot)}_"]
    return "\n".join(filter(None, parts))


def _line(item: Item) -> str:
    return f"{texts.MARKS.get(texts.label(item), '○')} {_cut(texts.one_line(item.title), 400)}"


def _pages(items: tuple[Item, ...]) -> Any:
    page = ""
    for item in items:
        line = f"{texts.MARKS.get(texts.label(item), '○')} {_cut(texts.one_line(item.title), 100)}"
        if page and len(page) + len(line) >= LONGEST_BLOCK:
            yield page
            page = ""
        page = f"{page}\n{line}" if page else line
    yield page


def link(url: str, words: str) -> str:
    """Slack ends an address at ">" and at "|"."""
    safe = escape(url).replace("|", "%7C")
    return f"<{safe}|{escape(words)}>" if safe else ""


def escape(text: str) -> str:
    """With this nothing in a text is a mention, a link or a command."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, length: int) -> str:
    """Escaped and at most so long, never in the middle of an escape."""
    escaped = escape(text)
    return escaped if len(escaped) <= length else re.sub(r"&[a-z]{0,4}$", "", escaped[: length - 1]) + "…"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
