"""The role that the portal's queries run as.

It owns nothing and cannot bypass row security, so that a forgotten filter or an injected statement meets a second wall.
This runs before every other migration: what later ones create is granted by the default privileges.
"""

from typing import ClassVar

from django.conf import settings
from django.db import migrations

GRANT = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{settings.APPLICATION_ROLE}') THEN
        CREATE ROLE {settings.APPLICATION_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
END $$;
GRANT {settings.APPLICATION_ROLE} TO CURRENT_USER;
GRANT USAGE ON SCHEMA public TO {settings.APPLICATION_ROLE};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {settings.APPLICATION_ROLE};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {settings.APPLICATION_ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {settings.APPLICATION_ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {settings.APPLICATION_ROLE};
"""


class Migration(migrations.Migration):
    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    run_before = [
        ("contenttypes", "0001_initial"),
        ("auth", "0001_initial"),
        ("sessions", "0001_initial"),
        ("django_celery_beat", "0001_initial"),
    ]
    operations = [migrations.RunSQL(GRANT, reverse_sql=migrations.RunSQL.noop)]
