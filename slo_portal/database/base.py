"""Django's PostgreSQL, which is told the reach before the first statement that needs it (accounts.reach).

It works as the role that owns nothing or not at all: a connection pooler that leaves out start-up options would make it
the owner of the tables, for whom row-level security does not exist.
"""

from typing import Any

import psycopg
from django.conf import settings
from django_prometheus.db.backends.postgresql.base import DatabaseWrapper as Postgres

from accounts import reach

SET = "SELECT set_config('slo.reach', %s, false)"
WRONG_ROLE = (
    "This connection speaks as {}, not as the role {}: something between the portal and PostgreSQL leaves out the"
    " option `role`. Connect without a pooler (docs/how-to/deploy.md)."
)


class DatabaseWrapper(Postgres):
    said: str | None = None  # what this connection was told; None: nobody knows
    failed = False  # inside a transaction that can do nothing but go back

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self.said = None
        return super().get_new_connection(conn_params)

    def _configure_connection(self, connection: Any) -> bool:
        """Once for each connection to the server."""
        super()._configure_connection(connection)
        if self.alias != "owner":
            (user,) = connection.execute("SELECT current_user").fetchone()
            if user != settings.APPLICATION_ROLE:
                raise psycopg.OperationalError(WRONG_ROLE.format(user, settings.APPLICATION_ROLE))
        return True

    def create_cursor(self, name: str | None = None) -> Any:
        wanted = reach.current()
        if self.said != wanted and self.alias != "owner" and not self.failed:
            self.connection.execute(SET, [wanted])
            self.said = wanted
        return super().create_cursor(name)

    def _rollback(self) -> None:
        super()._rollback()
        self.said = None  # it is again what it was before the transaction

    def _savepoint_rollback(self, sid: str) -> None:
        self.failed = True
        try:
            super()._savepoint_rollback(sid)
        finally:
            self.failed, self.said = False, None
