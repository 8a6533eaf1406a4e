import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="escalationstep",
            name="to_email",
            field=models.BooleanField(default=False, help_text="Every active one.", verbose_name="all e-mail channels"),
        ),
        migrations.AddField(
            model_name="escalationstep",
            name="to_slack",
            field=models.BooleanField(default=False, help_text="Every active one.", verbose_name="all Slack channels"),
        ),
        migrations.AddField(
            model_name="silence",
            name="ended_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="escalationpolicy",
            name="repeat_minutes",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="After the last step everybody in it is told again after so many minutes, until acknowledged.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(10080),
                ],
            ),
        ),
        migrations.AlterField(
            model_name="alertevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("opened", "Opened"),
                    ("worsened", "Worsened"),
                    ("reopened", "Opened again"),
                    ("acknowledged", "Acknowledged"),
                    ("unacknowledged", "Acknowledgement taken back"),
                    ("assigned", "Assigned"),
                    ("snoozed", "Snoozed"),
                    ("unsnoozed", "Snooze ended"),
                    ("noted", "Note"),
                    ("incident", "Incident"),
                    ("checked", "Checklist"),
                    ("told", "Told"),
                    ("escalated", "Escalated"),
                    ("repeated", "Told again"),
                    ("reminded", "Reminded"),
                    ("resolved", "Resolved"),
                ],
                max_length=14,
            ),
        ),
    ]
