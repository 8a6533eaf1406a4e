"""Channels: their secrets go in and never come out again; a button tries them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.admin_access import ByRole, Role
from accounts.admin_choices import OfOne
from accounts.admin_lists import OrganizationFilter
from alerts import channels, secrets, transports
from alerts.models import Channel

HIDDEN = forms.PasswordInput({"autocomplete": "new-password", "size": 60}, render_value=False)


FIELDS = {"url": "address", "secret": "signing_secret"}  # of a channel's config: the field of the form


class ChannelForm(OfOne):
    """A secret that is left empty stays as it is."""

    address = forms.CharField(
        required=False,
        max_length=2000,
        widget=HIDDEN,
        help_text="Slack: the incoming webhook; webhook: where JSON is posted to; other service: its Apprise address.",
    )
    signing_secret = forms.CharField(
        required=False, max_length=200, widget=HIDDEN, help_text="Webhook only, optional: messages are signed with it."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        try:
            self.kept = secrets.reveal(self.instance.secret)
        except secrets.Unreadable:
            self.kept = {}
        self.config = self.kept
        if not self.instance._state.adding:
            self._say_what_is_set()

    def _say_what_is_set(self) -> None:
        for name, field in FIELDS.items():
            if field in self.fields:
                state = "Set. Leave it empty to keep it." if self.kept.get(name) else "Not set."
                self.fields[field].help_text = f"{state} {self.fields[field].help_text}"

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        kind = given.get("kind") or self.instance.kind
        if kind in transports.FIELDS:
            self._clean_config(kind, {name: given[field] for name, field in FIELDS.items() if given.get(field)})
        return given

    def _clean_config(self, kind: str, given: dict[str, str]) -> None:
        tried = Channel(
            kind=kind,
            targets=self.cleaned_data.get("targets") or [],
            for_operations=bool(self.cleaned_data.get("for_operations")),
        )
        for name, texts in channels.wrong(tried, given, self.kept).items():
            self.add_error(FIELDS.get(name, name), texts)
        self.config = channels.config(tried, given, self.kept)

    def save(self, commit: bool = True) -> Channel:
        if self.config != self.kept:
            self.instance.secret = secrets.seal(self.config)
        channel: Channel = super().save(commit)
        return channel


@admin.register(Channel)
class ChannelAdmin(ByRole):
    changes = adds = deletes = Role.EDITOR
    form = ChannelForm
    unlogged = ("address", "signing_secret")
    change_form_template = "admin/alerts/channel/change_form.html"
    list_display = ["name", "kind", "to", "for_operations", "state", "last_sent_at", "failures"]
    list_filter = [OrganizationFilter, "kind", "for_operations", "is_active"]
    search_fields = ["name"]
    actions = ["switch_on"]
    readonly_fields = ["state", "secrets_set", "last_sent_at", "failures"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        sets = [
            (None, {"fields": ["organization", "name", "kind"]}),
            ("Where to", {"fields": ["targets", "address", "signing_secret"]}),
            ("Who reads it", {"fields": ["for_operations", "is_active"]}),
        ]
        if obj is None:
            return sets
        sets[1][1]["fields"] = _config_fields(obj, self.has_change_permission(request, obj))
        return [*sets, ("Now", {"fields": ["state", "last_sent_at", "failures"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*self.readonly_fields, "organization", "kind"] if obj else list(self.readonly_fields)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and {"targets", *FIELDS.values()} & set(form.changed_data):
            channels.switch_on(obj)

    # --- columns ---------------------------------------------------------------------------------------------

    @admin.display
    def to(self, channel: Channel) -> str:
        return ", ".join(channel.targets) or self.secrets_set(channel)

    @admin.display(description="address")
    def secrets_set(self, channel: Channel) -> str:
        return "set" if channel.secret else "not set"

    @admin.display
    def state(self, channel: Channel) -> str:
        if channel.off_at:
            return f"✖ switched off after a failure: {channel.off_reason}"
        if not channel.is_active:
            return "‖ paused"
        refused = f"; refused by {', '.join(channel.refused)}" if channel.refused else ""
        return f"▲ failing, {channel.failures} in a row{refused}" if channel.failures else f"✔ works{refused}"

    # --- acts ------------------------------------------------------------------------------------------------

    @admin.action(description="Switch selected channels on again", permissions=["change"])
    def switch_on(self, request: HttpRequest, chosen: QuerySet[Channel]) -> None:
        dead = [channel for channel in self.changeable(request, chosen) if channel.off_at or channel.refused]
        for channel in dead:
            channels.switch_on(channel)
            self.log_change(request, channel, "Switched on again.")
        self.message_user(request, f"{len(dead)} of {len(chosen)} channels switched on again.", messages.SUCCESS)

    def get_urls(self) -> list[URLPattern]:
        send = require_POST(self.admin_site.admin_view(self.test_view))
        return [path("<path:object_id>/test/", send, name="alerts_channel_test"), *super().get_urls()]

    def test_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        channel = self.get_object(request, object_id)
        if channel is None:
            raise Http404
        if not self.has_change_permission(request, channel):
            raise PermissionDenied
        target = request.POST.get("target", "")
        if channel.kind in transports.TARGETS and target not in channel.targets:
            done, text = False, "Name a target of this channel first, and save it."
        else:
            done, text = channels.test(channel, target, by=str(request.user), now=timezone.now())
            self.log_change(request, channel, f"Test: {text}")
        self.message_user(request, text, messages.SUCCESS if done else messages.ERROR)
        return HttpResponseRedirect(reverse("admin:alerts_channel_change", args=[channel.pk]))


def _config_fields(channel: Channel, changes: bool) -> list[str]:
    """Of its kind. Who only reads sees no more of secrets than whether they are set."""
    if channel.kind in transports.TARGETS:
        return ["targets"]
    return [FIELDS[name] for name in transports.FIELDS[channel.kind]] if changes else ["secrets_set"]
