"""What a person or a token may do in which organisation; the one place that decides it, and what a request may see."""

from dataclasses import dataclass

from django.http import HttpRequest

from accounts import reach
from accounts.models import ApiToken, Membership, Organization, User

READ, WRITE, ADMIN = ApiToken.Scope.READ.value, ApiToken.Scope.WRITE.value, ApiToken.Scope.ADMIN.value
_ORDER = [READ, WRITE, ADMIN]
_REACH = {  # the widest scope of each role
    Membership.Role.VIEWER: READ,
    Membership.Role.OPERATOR: WRITE,
    Membership.Role.EDITOR: WRITE,
    Membership.Role.ADMIN: ADMIN,
}
SESSION_KEY = "organization"


@dataclass(frozen=True)
class Access:
    """An actor in one organisation, and the widest scope it has there."""

    user: User
    organization: Organization
    scope: str

    def allows(self, scope: str) -> bool:
        return _ORDER.index(scope) <= _ORDER.index(self.scope)


def of_token(token: ApiToken) -> Access | None:
    """A token reaches as far as its scope and its owner's role both do."""
    role = (
        Membership.objects.filter(user=token.user, organization=token.organization)
        .values_list("role", flat=True)
        .first()
    )
    if role is None and not token.user.is_superuser:
        return None
    widest = ADMIN if role is None else _REACH[Membership.Role(role)]
    reach.use(reach.of(token.organization_id))
    return Access(token.user, token.organization, min(widest, token.scope, key=_ORDER.index))


def of_user(user: User, wanted: str | None = None) -> Access | None:
    """The user's access to the organisation with the slug `wanted`, or to the first one."""
    return _choose(user, _memberships(user), wanted)


def of_request(request: HttpRequest) -> Access | None:
    """Who asks, resolved once per request; None for a stranger."""
    if not hasattr(request, "_access"):
        user = _user(request)
        wanted = request.session.get(SESSION_KEY) if user else None
        found = _choose(user, memberships(request), wanted) if user else None
        request._access = found  # type: ignore[attr-defined]
        if found:
            reach.use(reach.of(found.organization.pk))
    return request._access  # type: ignore[attr-defined]


def memberships(request: HttpRequest) -> list[Membership]:
    """Of whoever is signed in, in active organisations, by slug; asked for once per request."""
    if not hasattr(request, "_memberships"):
        user = _user(request)
        request._memberships = _memberships(user) if user else []  # type: ignore[attr-defined]
    found: list[Membership] = request._memberships  # type: ignore[attr-defined]
    return found


def choices(request: HttpRequest) -> list[Organization]:
    """The organisations between which whoever is signed in may switch; asked for once per request."""
    user = _user(request)
    if user and user.is_superuser:
        if not hasattr(request, "_organizations"):
            request._organizations = list(Organization.objects.filter(is_active=True))  # type: ignore[attr-defined]
        found: list[Organization] = request._organizations  # type: ignore[attr-defined]
        return found
    return [membership.organization for membership in memberships(request)]


def may_edit(actor: Access) -> bool:
    """Whether the actor may change what is promised and what counts there, whatever the scope."""
    editing = Membership.Role.EDITOR, Membership.Role.ADMIN
    held = Membership.objects.filter(user=actor.user, organization=actor.organization, role__in=editing)
    return actor.user.is_superuser or held.exists()


def requires_second_factor(request: HttpRequest) -> bool:
    """Whether an organisation of whoever is signed in asks for a second factor; superusers go to all of them."""
    return any(organization.require_totp for organization in choices(request))


def lacks_second_factor(request: HttpRequest) -> bool:
    """Whether it must be set up before anything else."""
    user = _user(request)
    return bool(user and not user.totp_since and requires_second_factor(request))


def _user(request: HttpRequest) -> User | None:
    user = getattr(request, "user", None)  # there is none yet where an error came first
    return user if isinstance(user, User) else None


def _memberships(user: User) -> list[Membership]:
    found = Membership.objects.filter(user=user, organization__is_active=True).select_related("organization")
    return sorted(found, key=lambda one: one.organization.slug)


def _choose(user: User, held: list[Membership], wanted: str | None) -> Access | None:
    """Where the user is a member first; a superuser goes anywhere."""
    chosen = next((one for one in held if one.organization.slug == wanted), None)
    if chosen is None and user.is_superuser and (organization := _any(wanted, or_first=not held)):
        return Access(user, organization, ADMIN)
    chosen = chosen or next(iter(held), None)
    return Access(user, chosen.organization, _REACH[Membership.Role(chosen.role)]) if chosen else None


def _any(wanted: str | None, *, or_first: bool) -> Organization | None:
    active = Organization.objects.filter(is_active=True)
    found = active.filter(slug=wanted).first() if wanted else None
    return found or (active.first() if or_first else None)
