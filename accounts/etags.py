"""Tags of what was read, so that reading it again unchanged costs no transfer."""

import hashlib
import re

from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags

# When something was looked at is no part of what it is, nor is the range that "the last 30 days" were at that moment.
# A quote inside of a text is escaped: it cannot look like this.
WHEN_ASKED = re.compile(rb'"(?:as_of|data_through|start_date|end_date)":"[^"]*",?')


def tag_of(content: bytes) -> str:
    """A weak one: equal for bodies that say the same."""
    return f'W/"{hashlib.blake2b(WHEN_ASKED.sub(b"", content), digest_size=12).hexdigest()}"'


def conditional(request: HttpRequest, response: HttpResponse) -> None:
    """Tag an answer that has no tag yet; nothing but the tag is sent to whoever has it already."""
    tag = response.headers.get("ETag") or tag_of(response.content)
    response.headers["ETag"] = tag
    known = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    if known == ["*"] or tag.removeprefix("W/") in [one.removeprefix("W/") for one in known]:
        response.status_code, response.content = 304, b""
        del response.headers["Content-Type"]
