"""Row-level security on every table that holds something of an organisation, and what may only be added to.

Built anew by each `migrate`. The portal's role sees and writes rows of the organisations within its reach
(accounts.reach), and no others. Tables of accounts are looked at to find out who asks, and have no wall; but for what
the API answered.
"""

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.db import connections
from django.db.models import ForeignKey, Model

from accounts.models import Organization
from accounts.reach import EVERYTHING

APPS = ("kpis", "slos", "alerts", "reports", "monitoring")
OF_THE_HOUSE = {"monitoring.Process"}  # of no organisation
OF_ACCOUNTS = ("accounts.StoredAnswer",)
APPEND_ONLY = ("accounts_auditentry",)  # nobody edits what happened
# the one way out, for what is older than two years by the database's own clock
FORGET = """
    CREATE OR REPLACE FUNCTION forget_audit(before timestamptz) RETURNS bigint LANGUAGE sql SECURITY DEFINER
    SET search_path FROM CURRENT AS $$
        WITH gone AS (
            DELETE FROM "{table}" WHERE at < least(before, now() - interval '730 days') RETURNING id
        ) SELECT count(*) FROM gone
    $$;
    REVOKE ALL ON FUNCTION forget_audit(timestamptz) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION forget_audit(timestamptz) TO {role};"""
POLICY = "within_reach"
# uncorrelated sub-selects: asked once for a statement, not for every row
ALL = f"(SELECT current_setting('slo.reach', true) = '{EVERYTHING}')"
IDS = "nullif(nullif(current_setting('slo.reach', true), ''), '*')"
MINE = f"(SELECT string_to_array({IDS}, ',')::uuid[])::uuid[]"  # the outer cast makes it an array, not rows


def build() -> None:
    """As the owner of the tables; again and again without harm."""
    owner = connections["owner"]
    with owner.cursor() as cursor:
        there = set(owner.introspection.table_names(cursor))
        for table, condition in walls():
            if table not in there:  # its migration is still to come
                continue
            cursor.execute(f'DROP POLICY IF EXISTS {POLICY} ON "{table}"')
            cursor.execute(f'CREATE POLICY {POLICY} ON "{table}" TO {settings.APPLICATION_ROLE} USING ({condition})')
            cursor.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
        for table in there.intersection(APPEND_ONLY):
            cursor.execute(f'REVOKE UPDATE, DELETE ON "{table}" FROM {settings.APPLICATION_ROLE}')
            cursor.execute(FORGET.format(table=table, role=settings.APPLICATION_ROLE))


def walls() -> Iterator[tuple[str, str]]:
    """Each table with its condition: the organisation of a row, or that of the row that it belongs to."""
    found = [model for app in APPS for model in apps.get_app_config(app).get_models(include_auto_created=True)]
    for model in [*found, *map(apps.get_model, OF_ACCOUNTS)]:
        if model._meta.label not in OF_THE_HOUSE:
            yield model._meta.db_table, _condition(model)


def _condition(model: type[Model]) -> str:
    keys = [field for field in model._meta.fields if isinstance(field, ForeignKey)]
    for key in keys:
        if key.related_model is Organization:
            return f"{ALL} OR {key.column} = ANY ({MINE})"
    parent = next(key for key in keys if key.related_model._meta.app_label in APPS)
    table, column = parent.related_model._meta.db_table, parent.target_field.column
    return f'EXISTS (SELECT FROM "{table}" p WHERE p."{column}" = "{model._meta.db_table}"."{parent.column}")'
