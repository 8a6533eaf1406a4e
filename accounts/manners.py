"""What every address of the API does alike: limits of use, tags of what is read, keys that make writes repeatable."""

import hashlib
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import audit, etags, replay
from accounts.bodies import JSON, read_body
from accounts.problems import Problem
from accounts.rates import Rate, Rates
from accounts.replay import Claim, Known

READ, WRITE, INGEST, EXPORT, STRANGER = "read", "write", "ingest", "export", "stranger"
rates = Rates()


class Manners(APIView):
    """An APIView that has them. `counts_as` is the limit of its unsafe methods, `accepted` what a body may be."""

    counts_as = WRITE
    accepted: Sequence[str] = (JSON,)
    rate: Rate | None = None
    claim: Claim | None = None

    def check_throttles(self, request: Request) -> None:
        """Whoever is known is counted by the token or the session."""
        self.charge(READ if request.method in SAFE_METHODS else self.counts_as, caller(request))

    def charge(self, use: str, key: str) -> None:
        """Raises Problem where the limit of this use is reached."""
        limit = settings.API_LIMITS[use]
        if not limit:
            return
        self.rate = rates.charge(f"{use} {key}", limit, timezone.now().timestamp())
        if self.rate.wait:
            raise Problem(429, f"Up to {limit:,} requests a minute are answered of this kind ({use}).")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        key = request.META.get(replay.HEADER)
        acts = request.method not in SAFE_METHODS and hasattr(self, (request.method or "").lower())
        if key is not None and acts:
            body, _ = read_body(request._request, self.accepted)
            mark = replay.fingerprint(request._request, body)
            self.claim = replay.claim(request.auth, key, mark, now=timezone.now())  # type: ignore[arg-type]

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]
        if isinstance(exc, Known):
            return exc.response()
        if isinstance(exc, NotAuthenticated | AuthenticationFailed):
            try:
                self.charge(STRANGER, audit.address_of(self.request._request))
            except Problem as problem:
                exc = problem
        try:
            return super().handle_exception(exc)
        except Exception:
            if self.claim:
                self.claim.release()
            raise

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in (self.rate.headers() if self.rate else {}).items():
            response.headers.setdefault(name, value)
        if isinstance(response, Response):
            response.add_post_render_callback(self.rendered)
        return response

    def rendered(self, response: HttpResponse) -> None:
        if self.claim:
            self.claim.keep(response)
        elif self.request.method in ("GET", "HEAD") and response.status_code == 200:
            etags.conditional(self.request._request, response)


def caller(request: Request) -> str:
    """A token or a user; never the token itself."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    return hashlib.sha256(header.encode()).hexdigest() if header else str(request.user.pk)
