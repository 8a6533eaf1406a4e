"""Runbooks: Markdown as HTML that is safe to show, and the checklist in it."""

import re
from itertools import pairwise

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.token import Token

MOST_ITEMS = 100
LONGEST_ITEM = 500  # characters
_TASK = re.compile(r"\[([ xX])\]\s+")
_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)


class _Markdown(MarkdownIt):
    """CommonMark with tables; what looks like HTML is text, a picture is a link."""

    def __init__(self) -> None:
        super().__init__("commonmark", {"html": False, "maxNesting": 20})
        self.enable(["table", "strikethrough"]).disable("image")

    def validateLink(self, url: str) -> bool:
        """To other places and by mail; a script or a page of our own is no link."""
        return bool(_LINK.match(url))


_MARKDOWN = _Markdown()


def as_html(markdown: str) -> SafeString:
    """Headings begin two levels lower, below those of the page that shows it."""
    tokens = _MARKDOWN.parse(markdown)
    for token in tokens:
        token.attrs.pop("style", None)  # of table cells: the security policy forbids it
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        for child in token.children or []:
            if child.type == "link_open":
                child.attrSet("rel", "noopener noreferrer")
    for item in _items(tokens):
        _tick(item)
    return SafeString(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def checklist(markdown: str) -> list[str]:
    """What is to be done, as plain text: the task items (`- [ ] …`), else the items of the outermost lists."""
    items = _items(_MARKDOWN.parse(markdown))
    tasks = [item for item in items if _TASK.match(item.content)]
    texts = [_TASK.sub("", _plain(item), count=1) for item in tasks or [item for item in items if item.level == 3]]
    return [_short(text) for text in texts if text][:MOST_ITEMS]


def _items(tokens: list[Token]) -> list[Token]:
    """The first line of each item of a list."""
    triples = zip(tokens, pairwise(tokens[1:]), strict=False)
    return [inline for opening, (_, inline) in triples if opening.type == "list_item_open" and inline.type == "inline"]


def _tick(item: Token) -> None:
    """A box for `[ ]`."""
    found = _TASK.match(item.content)
    if found and item.children and item.children[0].type == "text":
        box = "☐ " if found[1] == " " else "☑ "
        item.children[0].content = box + _TASK.sub("", item.children[0].content, count=1)


def _plain(inline: Token) -> str:
    words = (" " if child.type in {"softbreak", "hardbreak"} else child.content for child in inline.children or [])
    return " ".join("".join(words).split())


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_ITEM else text[: LONGEST_ITEM - 1] + "…"
