"""Signing in and out, and what people do about their own accounts."""

from django.urls import path

from accounts.views import signing_in

urlpatterns = [
    path("login/", signing_in.SignIn.as_view(), name="login"),
    path("logout/", signing_in.SignOut.as_view(), name="logout"),
    # before the administration's own: there is one door
    path("admin/login/", signing_in.admin_door),
    path("admin/logout/", signing_in.SignOut.as_view()),
]
