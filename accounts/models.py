"""Who may do what, where: users, organisations, memberships and API tokens."""

import uuid
from calendar import month_name

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac
from timezone_field import TimeZoneField


class Organization(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200, help_text="Shown on every page and report.")
    slug = models.SlugField(
        max_length=63, unique=True, help_text="Short name for commands and URLs; keep it once it is used."
    )
    time_zone = TimeZoneField(
        default="UTC",
        help_text="Hours, days and weeks of measurements, calendar windows and reports follow this zone.",
    )
    fiscal_year_start = models.PositiveSmallIntegerField(
        "fiscal year begins in",
        choices=list(enumerate(month_name))[1:],
        default=1,
        help_text="Calendar windows, the quarter to date and monthly reports follow the fiscal year.",
    )
    fiscal_weeks = models.CharField(
        "weeks of the fiscal months",
        max_length=5,
        choices=[(each, f"{each} weeks, from the Monday nearest to the first") for each in ("4-4-5", "4-5-4", "5-4-4")],
        blank=True,
        default="",
        help_text="Empty: the months of the calendar.",
    )
    is_active = models.BooleanField(default=True, help_text="Off: nothing is calculated; messages are still stored.")
    require_totp = models.BooleanField(
        "second factor required",
        default=False,
        help_text="On: whoever signs in here must have set up codes from an app. API tokens are not affected.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organizations = models.ManyToManyField(Organization, through="Membership", related_name="users")
    phone = models.CharField(
        "mobile number",
        max_length=16,
        blank=True,
        validators=[RegexValidator(r"^\+[1-9][0-9]{6,14}\Z", "Write it with its country, as +4915112345678.")],
        help_text="With its country, as +4915112345678. Gets an SMS while on call, where SMS is switched on.",
    )
    session_nonce = models.CharField(
        max_length=16, default="", blank=True, editable=False
    )  # a new one ends all sessions
    totp_secret = models.TextField(default="", blank=True, editable=False)  # sealed; in use once totp_since is set
    totp_since = models.DateTimeField("second factor since", null=True, editable=False)
    totp_step = models.BigIntegerField(default=0, editable=False)  # of the last code: none is good twice

    @property
    def shown_name(self) -> str:
        """What others call this person."""
        return self.get_full_name() or self.get_username()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Sessions hold this: they end with the password, and with the nonce."""
        given = f"{self.password}:{self.session_nonce}"
        return salted_hmac("accounts.User.session", given, secret=secret, algorithm="sha256").hexdigest()


class RecoveryCode(models.Model):
    """Opens the second door once, without the telephone. Only a keyed hash is stored."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="one_recovery_code")]

    def __str__(self) -> str:
        return f"recovery code of {self.user}"


class Membership(models.Model):
    class Role(models.TextChoices):
        VIEWER = "viewer", "Viewer: reads"
        OPERATOR = "operator", "Operator: also ingests, acknowledges, resolves, calculates"
        EDITOR = "editor", "SLO editor: also changes objectives"
        ADMIN = "admin", "Admin: also users, tokens and settings"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER, help_text="What this person may do here.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "organization"], name="one_membership_per_organization")]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self, now) -> "ApiTokenQuerySet":
        """Neither revoked nor expired, of an active user and organisation."""
        return self.filter(
            models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=now),
            revoked_at__isnull=True,
            user__is_active=True,
            organization__is_active=True,
        )


class ApiToken(models.Model):
    class Scope(models.TextChoices):
        READ = "read", "Read"
        WRITE = "write", "Write: also ingest, acknowledge, resolve, calculate"
        ADMIN = "admin", "Admin: also initialize and configuration"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(
        max_length=100, help_text="Where the token is used, so that it can be revoked with confidence."
    )
    scope = models.CharField(
        max_length=5, choices=Scope, default=Scope.READ, help_text="The most that the token may do."
    )
    prefix = models.CharField(
        max_length=16, editable=False, help_text="The first characters, to recognise the token by."
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: until it is revoked.")
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Throttle(models.Model):
    """What accounts.throttle counts; a row is forgotten once `until` is over."""

    key = models.CharField(max_length=80, primary_key=True)
    until = models.DateTimeField()
    tried_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.key


class StoredAnswer(models.Model):
    """What a request with an `Idempotency-Key` was answered; while it is being answered, there is no status."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    claimed_at = models.DateTimeField()
    status = models.SmallIntegerField(null=True)
    body = models.BinaryField(null=True)
    content_type = models.CharField(max_length=100, default="")
    location = models.CharField(max_length=300, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user", "key"], name="one_answer_per_key")]
        indexes = [models.Index("claimed_at", name="answer_age")]

    def __str__(self) -> str:
        return f"{self.status or 'no'} answer to {self.key}"


class AuditEntry(models.Model):
    """Who did what, when and from where. Only ever inserted: the role of the portal's queries may do no more.

    The actor is no foreign key, because deleting a user must neither fail nor change what that user did.
    """

    class Action(models.TextChoices):
        SIGNED_IN = "signed_in", "Signed in"
        SIGNED_OUT = "signed_out", "Signed out"
        SIGN_IN_FAILED = "sign_in_failed", "Sign-in failed"
        LOCKED_OUT = "locked_out", "Locked out for a while"
        REFUSED = "refused", "Refused"
        ADDED = "added", "Added"
        CHANGED = "changed", "Changed"
        DELETED = "deleted", "Deleted"
        EXPORTED = "exported", "Exported"
        TOKEN_MADE = "token_made", "Token made"
        TOKEN_REVOKED = "token_revoked", "Token revoked"
        PASSWORD_CHANGED = "password_changed", "Password changed"
        SECOND_FACTOR_ON = "second_factor_on", "Second factor set up"
        SECOND_FACTOR_OFF = "second_factor_off", "Second factor removed"
        SESSIONS_ENDED = "sessions_ended", "Signed out everywhere"
        INVITED = "invited", "Invited"
        JOINED = "joined", "Joined"
        ACKNOWLEDGED = "acknowledged", "Alert acknowledged"
        RESOLVED = "resolved", "Alert resolved"

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(
        Organization, null=True, on_delete=models.PROTECT, related_name="audit_entries", db_index=False
    )
    at = models.DateTimeField("time")
    action = models.CharField(max_length=20, choices=Action)
    actor_id = models.UUIDField(null=True)
    actor_name = models.CharField("who", max_length=150, default="", blank=True)
    object_type = models.CharField("kind", max_length=100, default="", blank=True)
    object_id = models.CharField("key", max_length=64, default="", blank=True)
    object_label = models.CharField("what", max_length=200, default="", blank=True)
    address = models.GenericIPAddressField("from", null=True)
    request_id = models.CharField("request", max_length=64, default="", blank=True)
    changes = models.JSONField(default=dict)  # {"role": ["viewer", "admin"]}: old and new, never a secret
    note = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = "audit entry"
        verbose_name_plural = "audit trail"
        indexes = [
            models.Index("organization", "at", "id", name="audit_newest"),
            models.Index("at", "id", name="audit_newest_of_all"),
            models.Index("actor_id", "at", name="audit_of_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.at:%Y-%m-%d %H:%M:%S}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def usable(self, now) -> "InvitationQuerySet":
        return self.filter(accepted_at=None, revoked_at=None, expires_at__gt=now, organization__is_active=True)


class Invitation(models.Model):
    """A link that opens an organisation once. Only its hash is stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField("e-mail address", help_text="Where the link goes. Whoever opens it first joins.")
    role = models.CharField(
        max_length=10,
        choices=Membership.Role,
        default=Membership.Role.VIEWER,
        help_text="What this person may do here.",
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    accepted_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.email} to {self.organization}"

    def state(self, now) -> str:
        if self.accepted_at:
            return "accepted"
        return "revoked" if self.revoked_at else "expired" if self.expires_at <= now else "open"
