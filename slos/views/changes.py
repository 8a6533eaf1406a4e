"""What has changed: shifts, drifts, outliers and silences in the series of KPIs and objectives."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Access
from accounts.pages import for_members
from kpis.fiscal import year_of
from kpis.found import looked_until
from kpis.spans import chosen
from slos import found


@require_safe
@for_members
def changes(request: HttpRequest, who: Access) -> HttpResponse:
    range_ = chosen(request.GET, year_of(who.organization), now=timezone.now(), drop=())
    span = range_.span.start, range_.span.end
    kpis_at = f"{reverse('kpis')}?{range_.query}"
    told = found.told(who.organization, span, list(who.organization.slos.active()), kpis_at)
    context = {
        "range": range_,
        "told": told,
        "worse": sum(bool(one.row.worse) for one in told),
        "looked_until": looked_until(who.organization),
        "alerts_at": f"{reverse('alerts')}?{urlencode({'type': 'regression'})}",
    }
    return render(request, "slos/changes.html", context, status=400 if range_.error else 200)
