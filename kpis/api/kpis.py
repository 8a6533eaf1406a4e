"""GET /kpis/summary and /metrics/invoice-trends."""

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.endpoint import Endpoint, success
from kpis import flow, found, payloads, summary, trends
from kpis.counting import FILTERS
from kpis.params import Params, refusal
from kpis.rollups import Reach, everything
from kpis.series import KPIS
from kpis.summary import Scope
from kpis.trends import LENGTHS, MOST_PERIODS

RANGE = ("days", "start_date", "end_date")


class Figures(Endpoint):
    """What is read of a range and a part of the work. `reach` says how far back rows do."""

    reach: Reach = staticmethod(everything)

    def scope_of(self, params: Params) -> Scope:
        only = {name: value for name in FILTERS if (value := params.text(name))}
        return Scope(self.organization, only, self.reach(self.organization))

    def counted(self, scope: Scope, *, from_rows: bool) -> dict[str, Any]:
        """From when on the figures hold, and until when."""
        through = scope.data_through()
        since = {"counted_since": scope.since} if from_rows else {}
        return {"filters": scope.only, "data_through": through, **since}


class Summary(Figures):
    def get(self, request: Request) -> Response:
        now = timezone.now()
        params = Params(request._request, *RANGE, *FILTERS, "group_by")
        scope = self.scope_of(params)
        asked = params.span("days", 7, now, scope.zone, most=90)
        by = params.choice("group_by", FILTERS, "") if "group_by" in params else ""
        compared, _ = summary.compared(scope, [(asked.start, asked.end)])
        data = payloads.summary_of(scope, asked, compared, now)
        data["capacity"] = flow.as_data(scope, data["backlog"]["open_invoices"])
        data |= self.counted(scope, from_rows=bool(scope.only or by))
        span = asked.start, asked.end
        data["changes"] = payloads.changes([] if scope.only else found.listed(self.organization, span, KPIS))
        if by:
            parts, more = summary.parts(scope, span, by)
            groups = [payloads.part(value, figures) for value, figures in parts.items()]
            data |= {"group_by": by, "groups": groups, "more_groups": more}
        return success(data, f"{data['volume']['total_invoices']} invoices in {asked.days} days.")


class Trends(Figures):
    def get(self, request: Request) -> Response:
        now = timezone.now()
        params = Params(request._request, *RANGE, "granularity", *FILTERS)
        scope = self.scope_of(params)
        asked = params.span("days", 30, now, scope.zone)
        granularity = params.choice("granularity", list(LENGTHS), "daily")
        span = asked.start, asked.end
        if trends.too_many(granularity, span):
            raise refusal("granularity", "range", f"That is more than {MOST_PERIODS:,} periods; ask for longer ones.")
        points = trends.points(scope, granularity, span)
        data = {
            **payloads.trends(points, scope.zone, now, binned=trends.is_binned(points)),
            "period": {**asked.as_data(), "granularity": granularity},
            **self.counted(scope, from_rows=bool(scope.only)),
        }
        return success(data, f"{len(points)} {granularity} periods, oldest first.")
