"""Keep the heads of the audit chain that the signer has signed, until the clock has written them out of the database.

The signer reads the chain itself, so that it signs what it has seen. Heads stay for ever: the signer signs only what
continues the one before.
"""

from __future__ import annotations

from alembic import op

from migrations.audit_schema import acting_as_its_owner, is_open
from migrations.row_security import grant

revision = "0020"
down_revision = "0019"

# By the catalog: once the trail is closed, the owner may not even name its tables.
ALLOWED = """
    SELECT has_table_privilege('oversing_signer', pg_class.oid, 'SELECT') FROM pg_class
    WHERE relname = 'audit_chain' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'audit')"""


def upgrade() -> None:
    if not op.get_bind().exec_driver_sql(ALLOWED).scalar():
        with acting_as_its_owner():
            op.execute("GRANT SELECT ON audit.audit_chain TO oversing_signer")
    op.execute("""
        CREATE TABLE audit_heads (
            sequence bigint PRIMARY KEY,
            envelope jsonb NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp()
        )""")
    for name, when, each in (
        ("a_head_is_for_ever", "UPDATE OR DELETE", "ROW"),
        ("never_emptied", "TRUNCATE", "STATEMENT"),
    ):
        op.execute(f"""
            CREATE TRIGGER {name} BEFORE {when} ON audit_heads
            FOR EACH {each} EXECUTE FUNCTION guard.refuse_change()""")
    grant("audit_heads", signer="SELECT, INSERT (sequence, envelope)", clock="SELECT")


def downgrade() -> None:
    op.execute("DROP TABLE audit_heads")
    if is_open():
        with acting_as_its_owner():
            op.execute("REVOKE SELECT ON audit.audit_chain FROM oversing_signer")
