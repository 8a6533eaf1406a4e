"""Runbooks: what is shown is safe whatever was written, and the checklist is what is to be done."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.runbooks import LONGEST_ITEM, MOST_ITEMS, as_html, checklist

TAGS = {
    "p",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "a",
    "em",
    "strong",
    "s",
    "code",
    "pre",
    "blockquote",
    "hr",
    "br",
}
TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {("a", "href"), ("a", "rel"), ("a", "title"), ("ol", "start"), ("code", "class")}
LONGEST = 10_000  # characters of SLODefinition.runbook
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="https://x.example" onclick=alert(1)>x</a>',
    "<iframe src=//evil.example></iframe>",
    "<style>body{display:none}</style>",
    "<!-- --><svg/onload=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](%6aavascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](/admin/logout/)",
    "[x][y]\n\n[y]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "![x](https://evil.example/pixel.png)",
    '![x](x"onerror="alert(1))',
    '[x](https://x.example "a\\" onmouseover=alert(1) b=\\"")',
    '[x](https://x.example/"onmouseover="alert(1))',
    '```"><script>alert(1)</script>\ncode\n```',
    "|a|\n|:-:|\n|<b>x</b>|",
    "# <b onclick=alert(1)>x</b>",
    "[<img src=x onerror=alert(1)>](https://x.example)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\x00<script\x00>alert(1)",
    "</div></main><form action=//evil.example><input name=password>",
]


class Reader(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.links = set(), set(), []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}
        if tag == "a":
            self.links.append(dict(attrs))


def is_safe(html):
    found = Reader(html)
    safe = all(link["href"].startswith(("https://", "http://", "mailto:")) for link in found.links)
    return found.tags <= TAGS and found.attributes <= ATTRIBUTES and safe


@pytest.mark.parametrize("markdown", HOSTILE)
def test_nothing_hostile_becomes_html(markdown):
    assert is_safe(as_html(markdown))


def test_what_is_called_safe_is_not_just_everything():
    assert not any(is_safe(markdown) for markdown in HOSTILE if markdown.startswith("<"))


@settings(deadline=None)
@given(st.lists(st.sampled_from([*HOSTILE, "- ", "> ", "[", "](", ")", "`", "**", "|", "\n", "<a ", '"'])).map("".join))
def test_no_mixture_of_it_does(markdown):
    assert is_safe(as_html(markdown))
    checklist(markdown)


def test_ordinary_markdown_is_shown_as_it_is_meant():
    html = as_html(
        "# OCR queue\n\nAsk **first**, then `restart`.\n\n- [ ] Look at [status](https://status.example/a?b=1&c=2)\n"
        "- [x] Call <mailto:ops@firm.example>\n\n|a|b|\n|-|-:|\n|1|2|\n\n###### Deep\n"
    )
    assert "<h3>OCR queue</h3>" in html
    assert "<strong>first</strong>" in html
    assert '☐ Look at <a href="https://status.example/a?b=1&amp;c=2" rel="noopener noreferrer">status</a>' in html
    assert '☑ Call <a href="mailto:ops@firm.example" rel="noopener noreferrer">' in html
    assert "<td>2</td>" in html
    assert "<h6>Deep</h6>" in html


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("", []),
        ("Just text.", []),
        ("- [ ] Call **Acme**\n- [x] Restart `ocr`", ["Call Acme", "Restart ocr"]),
        ("1. [ ] One\n2. [ ] Two", ["One", "Two"]),
        ("- Read this\n- [ ] Do that", ["Do that"]),
        ("- Look\n  - deeper\n- Act", ["Look", "Act"]),
        ("* Phase\n  * [ ] Step", ["Step"]),
        ("- [ ] over\n  two lines", ["over two lines"]),
        ("- [ ] see [the page](https://x.example) & <b>", ["see the page & <b>"]),
        ("- \n- x\n-     code", ["x"]),
        ("> - quoted", []),
        ("- [ ]", ["[ ]"]),
        ("- [ ] ~~old~~ new", ["old new"]),
    ],
)
def test_the_checklist_is_the_tasks_else_the_outermost_list(markdown, expected):
    assert checklist(markdown) == expected


def test_a_checklist_has_an_end():
    found = checklist("- [ ] " + "a " * 1000 + "\n" + "- [ ] b\n" * 1000)
    assert len(found) == MOST_ITEMS
    assert len(found[0]) == LONGEST_ITEM
    assert found[0].endswith("…")


@pytest.mark.parametrize("piece", ["[", "![", "> ", "- ", "*a ", "`", "<", "[a](", "|a", "\\", "&#", "**a", "~~"])
def test_a_long_runbook_of_nothing_but_brackets_is_read_all_the_same(piece):
    markdown = (piece * LONGEST)[:LONGEST]
    assert is_safe(as_html(markdown))
    assert isinstance(checklist(markdown), list)
