"""The role that the portal's queries run as (slo_portal.role).

This runs before every other migration: what later ones create is granted by the default privileges.
"""

from typing import ClassVar

from django.db import migrations

from slo_portal import role


class Migration(migrations.Migration):
    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    run_before = [
        ("contenttypes", "0001_initial"),
        ("auth", "0001_initial"),
        ("sessions", "0001_initial"),
        ("django_celery_beat", "0001_initial"),
    ]
    operations = [
        migrations.RunSQL(role.MAKE + role.GRANT + role.GRANT_LATER, reverse_sql=migrations.RunSQL.noop),
    ]
