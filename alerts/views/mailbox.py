"""Mail that no SMTP server took, because none is set: for admins to read."""

from django.conf import settings
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import access
from accounts.access import Access
from accounts.pages import for_members
from alerts.models import Mail

NEWEST = 100


@require_safe
@for_members
def mailbox(request: HttpRequest, who: Access) -> HttpResponse:
    if not who.allows(access.ADMIN):
        raise Http404
    mine = Q(organization=who.organization)
    if who.user.is_superuser:
        mine |= Q(organization=None)  # invitations and the like
    found = Mail.objects.filter(mine)[:NEWEST]
    return render(request, "alerts/mailbox.html", {"mails": found, "smtp": bool(settings.SMTP_URL)})
