"""A user's own API tokens."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access, audit, tokens
from accounts.audit import Action
from accounts.forms import OwnTokenForm
from accounts.models import ApiToken
from accounts.views.account import Request, for_user


@for_user
@require_http_methods(["GET", "HEAD", "POST"])
def own_tokens(request: Request) -> HttpResponse:
    """The list and a form for one more; the answer to the form is the one page that shows the secret."""
    now, organizations = timezone.now(), access.choices(request)
    found = access.of_request(request)
    initial = {"organization": found.organization.pk if found else None}
    form = OwnTokenForm(
        request.POST if request.method == "POST" else None,
        user=request.user, organizations=organizations, now=now, initial=initial,
    )  # fmt: skip
    if form.is_valid():
        token = form.save()
        changes: audit.Changes = {"scope": [None, token.scope], "expires_at": [None, token.expires_at]}
        audit.record(Action.TOKEN_MADE, now=now, request=request, on=token, changes=changes)
        return render(request, "accounts/token_made.html", {"token": token})
    usable = ApiToken.objects.usable(now).filter(user=request.user, organization__in=organizations)
    context = {"form": form, "tokens": usable.select_related("organization")[:100]}
    return render(request, "accounts/own_tokens.html", context)


@for_user
@require_POST
def revoke(request: Request, pk: UUID) -> HttpResponse:
    token = get_object_or_404(ApiToken.objects.select_related("organization"), pk=pk, user=request.user)
    if token.revoked_at is None:
        tokens.revoke(token, now=timezone.now())
        audit.record(Action.TOKEN_REVOKED, now=timezone.now(), request=request, on=token)
    return redirect("own-tokens")
