from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from slos.views import overview, overview_part

urlpatterns = [
    path("", overview, name="overview"),
    path("part/overview", overview_part, name="overview-part"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]
