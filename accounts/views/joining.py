"""Where the link of an invitation leads."""

from typing import cast

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import access, audit, invitations, signin
from accounts.forms import NewUserForm
from accounts.models import Invitation, User

HELD = "invitation"


@never_cache
@require_safe
def join_link(request: HttpRequest, secret: str) -> HttpResponse:
    """Takes the secret out of the address, where it would be seen and passed on."""
    digest = invitations.digest_of(secret)
    if invitations.find(digest, now=timezone.now()) is None:  # a stranger's invention is no reason for a session
        return _no_more(request)
    request.session[HELD] = digest
    return redirect("join")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    invitation = invitations.find(request.session.get(HELD, ""), now=timezone.now())
    if invitation is None:
        return _no_more(request)
    if request.user.is_authenticated:
        return _as_known(request, invitation)
    form = NewUserForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        return _as_new(request, invitation, form)
    return render(request, "accounts/join.html", {"invitation": invitation, "form": form})


def _as_known(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    if request.method != "POST":
        return render(request, "accounts/join.html", {"invitation": invitation})
    user = cast(User, request.user)
    joined = invitations.accept(invitation, user, now=timezone.now())
    return _welcome(request, invitation, user) if joined else _no_more(request)


def _as_new(request: HttpRequest, invitation: Invitation, form: NewUserForm) -> HttpResponse:
    with transaction.atomic():
        user = form.save(commit=False)
        user.email = invitation.email
        user.save()
        if not invitations.accept(invitation, user, now=timezone.now()):
            transaction.set_rollback(True)
            return _no_more(request)
    signin.finish(request, user, now=timezone.now())
    response = _welcome(request, invitation, user)
    signin.remember(response, user)
    return response


def _welcome(request: HttpRequest, invitation: Invitation, user: User) -> HttpResponse:
    organization = invitation.organization
    request.session.pop(HELD, None)
    request.session[access.SESSION_KEY] = organization.slug
    changes, action = {"role": [None, invitation.role]}, audit.Action.JOINED
    audit.record(action, now=timezone.now(), request=request, organization=organization, on=user, changes=changes)
    messages.success(request, f"Welcome to {organization}.")
    return redirect("overview")


def _no_more(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/join_no_more.html", status=404)
