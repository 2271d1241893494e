"""Let the auditor read the keys of events: whoever verifies the trail compares events, keys and links."""

from __future__ import annotations

from alembic import op

from migrations.audit_schema import acting_as_its_owner

revision = "0010"
down_revision = "0009"

# By the catalog: once the trail is closed, the owner may not even name its tables.
ALLOWED = """
    SELECT has_table_privilege('oversing_auditor', pg_class.oid, 'SELECT') FROM pg_class
    WHERE relname = 'audit_event_keys' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'audit')"""


def upgrade() -> None:
    if op.get_bind().exec_driver_sql(ALLOWED).scalar():
        return
    with acting_as_its_owner():
        op.execute("GRANT SELECT ON audit.audit_event_keys TO oversing_auditor")


def downgrade() -> None:
    """The schema is closed by now, and that an auditor may read on harms nothing."""
