"""The addresses under /health/: for probes, for Prometheus, and for people who want to know what is wrong; /system/."""

from datetime import datetime

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import problems, reach
from accounts.access import Access
from accounts.pages import for_members
from monitoring import asking, calculations, health, scrape, system_page
from monitoring.exposition import CONTENT_TYPES, JSON, TEXT, negotiate

PARAMETERS = {"format": (*CONTENT_TYPES,), "set": ("slo", scrape.WEB)}
ASK = "Send `Authorization: Bearer <token>`: METRICS_TOKEN, or an API token of an organisation."
OFF = "METRICS_ENABLED is off: nothing is calculated."
NO_DATABASE = "database: it does not answer"


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The web server answers; nothing else is asked."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Requests can be answered: the database is there."""
    if health.database_answers():
        return HttpResponse("ok\n", content_type="text/plain")
    return HttpResponse(f"{NO_DATABASE}\n", content_type="text/plain", status=503)


@never_cache
@require_safe
def detailed(request: HttpRequest) -> HttpResponse:
    """Part by part; versions only for whoever may see everything."""
    now = timezone.now()
    parts = health.look(now=now)
    well, all_of_it = health.healthy(parts), scrape.sees_everything(request)
    shown = {name: part.as_json(detailed=all_of_it) for name, part in parts.items()}
    body = {"status": "healthy" if well else "unhealthy", "checked_at": now.isoformat(), **shown}
    return JsonResponse(body, status=200 if well else 503)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The exposition; as JSON the health of what calculates it."""
    wrong = _wrong_parameter(request)
    if wrong:
        return problems.response(request, 400, wrong)
    if not settings.METRICS_ENABLED:
        return problems.response(request, 404, OFF)
    form = request.GET.get("format") or negotiate(request.headers.get("Accept", ""))
    if not health.database_answers():
        return _without_database(form)
    try:
        return _answer(request, form, timezone.now())
    except scrape.Refused:
        refused = problems.response(request, 401, ASK)
        refused.headers["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return refused
    except DatabaseError:
        return _without_database(form)


@require_safe
@for_members
def system(request: HttpRequest, who: Access) -> HttpResponse:
    """The portal itself, for whoever operates the installation: superusers."""
    if not who.user.is_superuser:
        raise Http404
    now, chosen = timezone.now(), request.GET.get("range", system_page.USUAL)
    chosen = chosen if chosen in system_page.RANGES else system_page.USUAL
    with reach.within(reach.EVERYTHING):
        lines = system_page.lines(now)
        charts = system_page.charts(chosen, now=timezone.localtime(now))
    wrong = [line for line in lines if line.state.tone in ("bad", "risk", "none")]
    ranges = [(key, word, key == chosen) for key, (word, _, _) in system_page.RANGES.items()]
    context = {"now": now, "lines": lines, "wrong": wrong, "ranges": ranges, "charts": charts}
    return render(request, "monitoring/system.html", context)


def _wrong_parameter(request: HttpRequest) -> str:
    for name, given in request.GET.items():
        if name not in PARAMETERS:
            return f"There is no parameter {name[:50]!r}; there are {', '.join(sorted(PARAMETERS))}."
        if given not in PARAMETERS[name]:
            return f"`{name}` is one of {', '.join(PARAMETERS[name])}."
    return ""


def _answer(request: HttpRequest, form: str, now: datetime) -> HttpResponse:
    organizations, which = scrape.organizations(request, now=now), request.GET.get("set", "")
    if form == JSON:
        found = calculations.look(organizations, asking.queue_depth(health.PATIENCE / 3), now=now)
        return JsonResponse(found, status=503 if found["reasons"] else 200)
    if which == scrape.WEB:
        if not scrape.sees_everything(request):
            return problems.response(request, 403, "A token of an organisation sees nothing of the web processes.")
        return HttpResponse(scrape.of_this_process(), content_type=CONTENT_TYPES[TEXT])
    return HttpResponse(scrape.text(organizations, which, form, now=now), content_type=CONTENT_TYPES[form])


def _without_database(form: str) -> HttpResponse:
    if form == JSON:
        return JsonResponse({"status": "unhealthy", "reasons": [NO_DATABASE]}, status=503)
    return HttpResponse(f"# {NO_DATABASE}\n", content_type="text/plain; charset=utf-8", status=503)
