"""The role that the portal's queries run as, in SQL. Each part may run again and again.

It owns nothing and cannot bypass row security, so that a forgotten filter or an injected statement meets a second wall.
"""

from django.conf import settings

NAME = settings.APPLICATION_ROLE
MAKE = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{NAME}') THEN
        CREATE ROLE {NAME} NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
END $$;
GRANT {NAME} TO CURRENT_USER;
"""
GRANT = f"""
GRANT USAGE ON SCHEMA public TO {NAME};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {NAME};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {NAME};
"""
GRANT_LATER = f"""
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {NAME};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {NAME};
"""
