"""What the pages of the portal share: who asks, in which time zone, and parts that are polled."""

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page

from accounts import access

Page = Callable[..., HttpResponse]
known_zones = cache(available_timezones)  # each call would read the folders again
AGE = re.compile(r'(data-ago="[^"]+">)[^<]*')
TOKEN = "(the token of this answer)"  # noqa: S105 - stands for it


def for_members(page: Page) -> Callable[..., HttpResponse]:
    """Give `page` who asks and in which organisation, with the clock of that organisation or of the reader."""

    @never_cache  # after signing out, the browser's back button shows nothing
    @gzip_page  # with the figures of a chart in it, a page shrinks to a quarter
    @wraps(page)
    def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _sign_in(request)
        found = access.of_request(request)
        if found is None:
            return render(request, "accounts/no_organization.html", status=403)
        with timezone.override(own_zone(request) or found.organization.time_zone):
            return page(request, found, *args, **kwargs)

    return view


def own_zone(request: HttpRequest) -> ZoneInfo | None:
    """That of the browser, if the reader has switched to it: the cookie of the switch."""
    name = unquote(request.COOKIES.get("zone", ""))
    return ZoneInfo(name) if name in known_zones() else None


def _sign_in(request: HttpRequest) -> HttpResponse:
    """A part of a page is not replaced by the sign-in form: its page says that the session has ended."""
    return HttpResponse(status=401) if request.htmx else redirect_to_login(request.get_full_path())  # type: ignore[attr-defined]


class Part:
    """A part of a page that is polled: the same include that the page itself shows. Its tag names how it looks."""

    def __init__(self, request: HttpRequest, template: str, context: Mapping[str, Any]) -> None:
        """The token of forms and ages (`data-ago`, which the page counts on) are no part of how it looks."""
        text = render_to_string(template, {**context, "csrf_token": TOKEN}, request)
        self.tag = hashlib.blake2b(AGE.sub(r"\1", text).encode(), digest_size=12).hexdigest()
        self.html = text.replace(f'value="{TOKEN}"', f'value="{get_token(request)}"') if TOKEN in text else text

    def answer(self, request: HttpRequest, headers: Mapping[str, object]) -> HttpResponse:
        """304 while it would look the same."""
        same = request.headers.get("HX-PTag") == self.tag
        answer = HttpResponseNotModified() if same else HttpResponse(self.html)
        for name, value in {"HX-PTag": self.tag, **headers}.items():
            answer[name] = str(value)
        return answer
