"""Runbooks: Markdown as HTML that is safe to show, and the checklist in it."""

import re
from functools import cache
from itertools import pairwise
from typing import Any

from django.utils.safestring import SafeString

from accounts.when_needed import when_needed

MOST_ITEMS = 100
LONGEST_ITEM = 500  # characters
_TASK = re.compile(r"\[([ xX])\]\s+")
_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)


@cache
def _markdown() -> Any:
    """CommonMark with tables; what looks like HTML is text, a picture or a script is no link."""
    parser = when_needed("markdown_it").MarkdownIt("commonmark", {"html": False, "maxNesting": 20})
    parser.enable(["table", "strikethrough"]).disable("image")
    parser.validateLink = lambda url: bool(_LINK.match(url))
    return parser


def as_html(markdown: str) -> SafeString:
    """Headings begin two levels lower, below those of the page that shows it."""
    parser = _markdown()
    tokens = parser.parse(markdown)
    for token in tokens:
        token.attrs.pop("style", None)  # of table cells: the security policy forbids it
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        for child in token.children or []:
            if child.type == "link_open":
                child.attrSet("rel", "noopener noreferrer")
    for item in _items(tokens):
        _tick(item)
    return SafeString(parser.renderer.render(tokens, parser.options, {}))


def checklist(markdown: str) -> list[str]:
    """What is to be done, as plain text: the task items (`- [ ] …`), else the items of the outermost lists."""
    items = _items(_markdown().parse(markdown))
    tasks = [item for item in items if _TASK.match(item.content)]
    texts = [_TASK.sub("", _plain(item), count=1) for item in tasks or [item for item in items if item.level == 3]]
    return [_short(text) for text in texts if text][:MOST_ITEMS]


def _items(tokens: list[Any]) -> list[Any]:
    """The first line of each item of a list."""
    triples = zip(tokens, pairwise(tokens[1:]), strict=False)
    return [inline for opening, (_, inline) in triples if opening.type == "list_item_open" and inline.type == "inline"]


def _tick(item: Any) -> None:
    """A box for `[ ]`."""
    found = _TASK.match(item.content)
    if found and item.children and item.children[0].type == "text":
        box = "☐ " if found[1] == " " else "☑ "
        item.children[0].content = box + _TASK.sub("", item.children[0].content, count=1)


def _plain(inline: Any) -> str:
    words = (" " if child.type in {"softbreak", "hardbreak"} else child.content for child in inline.children or [])
    return " ".join("".join(words).split())


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_ITEM else text[: LONGEST_ITEM - 1] + "…"
