"""Tell the workers to look now. Only a hint: work is found by queries, so a lost poke costs seconds.

A poke is a notification of PostgreSQL, which slo_portal.listen turns into a task: a request speaks with the database
and with nothing else, whatever the broker does, and no web process carries the broker's client.
"""

import logging
from uuid import UUID

from django.db import DatabaseError, connection

log = logging.getLogger(__name__)
CHANNEL = "look_now"


def look_now(organization: UUID) -> None:
    """Ask for a tick of the organisation, as soon as this transaction commits."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(organization)])
    except DatabaseError as error:  # what was stored is stored: a request that says otherwise would be sent again
        log.info("a poke was lost: %s", error)
