"""What a person or a token may do in which organisation; the one place that decides it."""

from dataclasses import dataclass

from django.http import HttpRequest

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
    reach = ADMIN if role is None else _REACH[Membership.Role(role)]
    return Access(token.user, token.organization, min(reach, token.scope, key=_ORDER.index))


def of_user(user: User, wanted: str | None = None) -> Access | None:
    """The user's access to the organisation with the slug `wanted`, or to the first one."""
    memberships = Membership.objects.filter(user=user, organization__is_active=True).select_related("organization")
    found = sorted(memberships, key=lambda m: (m.organization.slug != wanted, m.organization.slug))
    if found:
        return Access(user, found[0].organization, _REACH[Membership.Role(found[0].role)])
    if user.is_superuser and (organization := Organization.objects.filter(is_active=True).first()):
        return Access(user, organization, ADMIN)
    return None


def of_request(request: HttpRequest) -> Access | None:
    """Who asks, resolved once per request; None for a stranger."""
    if not hasattr(request, "_access"):
        user = request.user if request.user and request.user.is_authenticated else None
        request._access = of_user(user, request.session.get(SESSION_KEY)) if isinstance(user, User) else None  # type: ignore[attr-defined]
    return request._access  # type: ignore[attr-defined]
