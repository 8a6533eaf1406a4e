"""Signing in and out, and what people do about their own accounts."""

from django.urls import path
from django.views.generic import RedirectView

from accounts.views import account, joining, own_tokens, signing_in

urlpatterns = [
    path("login/", signing_in.SignIn.as_view(), name="login"),
    path("login/code/", signing_in.SignInCode.as_view(), name="sign-in-code"),
    path("logout/", signing_in.SignOut.as_view(), name="logout"),
    path("account/", account.account, name="account"),
    path("account/password/", account.Password.as_view(), name="password"),
    path("account/sessions/end/", account.end_sessions, name="end-sessions"),
    path("account/organization/", account.switch_organization, name="switch-organization"),
    path("account/two-step/", account.two_step, name="two-step"),
    path("account/two-step/set-up/", account.two_step_set_up, name="two-step-set-up"),
    path("account/two-step/codes/", account.two_step_codes, name="two-step-codes"),
    path("account/two-step/remove/", account.two_step_remove, name="two-step-remove"),
    path("account/tokens/", own_tokens.own_tokens, name="own-tokens"),
    path("account/tokens/<uuid:pk>/revoke/", own_tokens.revoke, name="revoke-own-token"),
    path("join/", joining.join, name="join"),
    path("join/<str:secret>/", joining.join_link, name="join-link"),
    # before the administration's own: there is one door
    path("admin/login/", signing_in.admin_door),
    path("admin/logout/", signing_in.SignOut.as_view()),
    path("admin/password_change/", RedirectView.as_view(pattern_name="password")),
]
