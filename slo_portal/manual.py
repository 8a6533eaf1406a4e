"""The manual under docs/ as pages of the portal: so that help is where the question is, and needs no network."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts.when_needed import when_needed

FOLDERS = ("tutorial", "how-to", "explanation", "reference", "decisions")
SCROLLED = {"fence", "code_block", "table_open"}  # may be wider than a telephone: the keyboard must reach them
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


class Sheet(NamedTuple):
    """One page of the manual."""

    name: str
    title: str
    html: SafeString


@cache
def pages() -> Mapping[str, Path]:
    """By name; a name is in one folder only."""
    docs = Path(settings.BASE_DIR) / "docs"
    found = {path.stem: path for folder in FOLDERS for path in sorted((docs / folder).glob("*.md"))}
    return {"README": docs / "README.md", **found}


@cache
def read(name: str) -> Sheet | None:
    path = pages().get(name)
    if path is None:
        return None
    text = path.read_text(encoding="utf-8")
    title = _TITLE.search(text)
    return Sheet(name, title[1] if title else name, _html(text))


def _html(text: str) -> SafeString:
    markdown = when_needed("markdown_it").MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = markdown.parse(text)
    for opening, inside, closing in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opening.type == "th_open" and not inside.content:
            opening.tag = closing.tag = "td"  # an empty cell is no heading
    for token in tokens:
        token.attrs.pop("style", None)  # of table cells: the security policy forbids it
        if token.type in SCROLLED:
            token.attrSet("tabindex", "0")
        token.children = list(_leading(token.children)) if token.children else token.children
    return SafeString(markdown.renderer.render(tokens, markdown.options, {}))


def _leading(tokens: Sequence[Any]) -> Iterator[Any]:
    """From file to file becomes from page to page; a link to what the portal does not show is plain text."""
    leads = True
    for token in tokens:
        if token.type == "link_open":
            leads = _lead(token)
        if leads or token.type not in {"link_open", "link_close"}:
            yield token


def _lead(link: Any) -> bool:
    goal = str(link.attrGet("href"))
    if goal.startswith(("http://", "https://", "mailto:")):
        link.attrSet("rel", "noopener noreferrer")
        return True
    name = Path(goal.partition("#")[0]).stem
    if name in pages():
        link.attrSet("href", reverse("help", args=[name]))
    return name in pages()
