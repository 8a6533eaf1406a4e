"""Inviting people by e-mail: a link that opens an organisation once, within a week."""

import hashlib
import logging
import secrets
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.audit import clean
from accounts.models import Invitation, Membership, Organization, User

log = logging.getLogger(__name__)
OPEN_FOR = timedelta(days=7)
TO_THE_ADMIN = {Membership.Role.EDITOR, Membership.Role.ADMIN}  # whose work is done there
ORGANIZATION_HEADER = "X-SLO-Portal-Organization"  # whose mailbox page shows it where nothing is sent


def invite(organization: Organization, email: str, role: str, *, by: User, now: datetime) -> tuple[Invitation, str]:
    """Replaces what was open for this address; the second value is the link, which exists nowhere else."""
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        before = organization.invitations.filter(email__iexact=email, accepted_at=None, revoked_at=None)
        before.update(revoked_at=now)
        invitation = Invitation.objects.create(
            organization=organization,
            email=email,
            role=role,
            digest=digest_of(secret),
            invited_by=by,
            created_at=now,
            expires_at=now + OPEN_FOR,
        )
    return invitation, settings.SITE_URL.rstrip("/") + reverse("join-link", args=[secret])


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def find(digest: str, *, now: datetime) -> Invitation | None:
    """The one that is still open."""
    return Invitation.objects.usable(now).select_related("organization").filter(digest=digest).first()


def accept(invitation: Invitation, user: User, *, now: datetime) -> bool:
    """The user is a member from now on, in the invited role unless there is one already. False: used meanwhile."""
    with transaction.atomic():
        mine = Invitation.objects.usable(now).filter(pk=invitation.pk)
        if not mine.update(accepted_at=now, accepted_by=user):
            return False
        Membership.objects.get_or_create(
            user=user, organization=invitation.organization, defaults={"role": invitation.role}
        )
        if invitation.role in TO_THE_ADMIN and not user.is_staff:
            user.is_staff = True
            user.save(update_fields=["is_staff"])
    return True


def revoke(invitation: Invitation, *, now: datetime) -> bool:
    return bool(Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None).update(revoked_at=now))


def send(invitation: Invitation, link: str) -> bool:
    """By Django's mail settings. False: it could not be sent; whoever invites hands over the link instead."""
    organization = invitation.organization
    mail = EmailMessage(
        clean(f"You are invited to {organization.name} on the SLO portal", 200),
        render_to_string("accounts/invitation.txt", {"invitation": invitation, "link": link}),
        to=[invitation.email],
        headers={ORGANIZATION_HEADER: organization.slug},
    )
    try:
        return bool(mail.send())
    except (OSError, SMTPException) as error:
        log.warning("an invitation to %s could not be sent: %s", organization.slug, type(error).__name__)
        return False
