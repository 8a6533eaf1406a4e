"""The pages about alerts."""

from django.urls import path

from alerts.views.lists import alerts, alerts_part
from alerts.views.mailbox import mailbox
from alerts.views.one import alert, alert_part
from alerts.views.several import act_on_several

urlpatterns = [
    path("alerts/", alerts, name="alerts"),
    path("alerts/several", act_on_several, name="alerts-several"),
    path("alerts/<uuid:pk>/", alert, name="alert"),
    path("part/alerts", alerts_part, name="alerts-part"),
    path("part/alerts/<uuid:pk>", alert_part, name="alert-part"),
    path("mailbox/", mailbox, name="mailbox"),
]
