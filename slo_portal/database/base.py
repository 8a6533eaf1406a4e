"""Django's PostgreSQL, which is told the reach before the first statement that needs it (accounts.reach)."""

from typing import Any

from django_prometheus.db.backends.postgresql.base import DatabaseWrapper as Postgres

from accounts import reach

SET = "SELECT set_config('slo.reach', %s, false)"


class DatabaseWrapper(Postgres):
    said: str | None = None  # what this connection was told; None: nobody knows
    failed = False  # inside a transaction that can do nothing but go back

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self.said = None
        return super().get_new_connection(conn_params)

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
