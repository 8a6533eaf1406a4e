"""The overview: the page and the part of it that is polled are one and the same include."""

import hashlib
from collections.abc import Callable
from functools import wraps

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from accounts import access
from slos import charts, status

Page = Callable[[HttpRequest, status.Overview], HttpResponse]


def of_organization(page: Page) -> Callable[[HttpRequest], HttpResponse]:
    """Give `page` the figures of the organisation of whoever asks, with the clock of that organisation."""

    @never_cache  # after signing out, the browser's back button shows nothing
    @gzip_page  # with the figures of the chart in it, a page shrinks to a quarter
    @require_safe
    @wraps(page)
    def view(request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return _sign_in(request)
        found = access.of_request(request)
        if found is None:
            return render(request, "accounts/no_organization.html", status=403)
        organization = found.organization
        with timezone.override(organization.time_zone):
            return page(request, status.overview(organization, now=timezone.now()))

    return view


def _sign_in(request: HttpRequest) -> HttpResponse:
    """A part of a page is not replaced by the sign-in form: its page says that the session has ended."""
    return HttpResponse(status=401) if request.htmx else redirect_to_login(request.get_full_path())  # type: ignore[attr-defined]


@of_organization
def overview(request: HttpRequest, figures: status.Overview) -> HttpResponse:
    part = _part(figures)
    return render(request, "slos/overview.html", {"overview": figures, "part": part, "tag": _tag(part)})


@of_organization
def overview_part(request: HttpRequest, figures: status.Overview) -> HttpResponse:
    """304 while it would look the same; every answer says how far the figures reach."""
    part = _part(figures)
    tag = _tag(part)
    same = request.headers.get("HX-PTag") == tag
    answer = HttpResponseNotModified() if same else HttpResponse(part)
    answer["HX-PTag"] = tag
    answer["Data-Through"] = figures.ticked_at.isoformat() if figures.ticked_at else ""
    return answer


def _part(figures: status.Overview) -> str:
    return render_to_string("slos/_overview.html", {"overview": figures, "chart": charts.budget_chart(figures)})


def _tag(part: str) -> str:
    return hashlib.blake2b(part.encode(), digest_size=12).hexdigest()
