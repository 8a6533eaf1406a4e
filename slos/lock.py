"""One writer of an organisation's figures at a time, held until the end of the transaction."""

from django.db import connection

from accounts.models import Organization

KEY = "hashtextextended('figures ' || %s, 0)"


def try_alone(organization: Organization) -> bool:
    """Become the only writer; false when somebody else is."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_xact_lock({KEY})", [str(organization.pk)])
        return cursor.fetchone()[0]


def wait_alone(organization: Organization) -> None:
    """Become the only writer, after whoever is."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({KEY})", [str(organization.pk)])
