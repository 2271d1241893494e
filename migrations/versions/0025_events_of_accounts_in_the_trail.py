"""Let the audit trail cover what happens to accounts: it holds a salted digest of each, and the auditor compares.

Rows of before have no digest; what is verified says how many. From now on the database refuses to change any of them.
"""

from __future__ import annotations

from alembic import op

from migrations.row_security import grant

revision = "0025"
down_revision = "0024"

GUARDS = {
    "what_happened_stays": ("UPDATE OR DELETE", "ROW"),
    "never_emptied": ("TRUNCATE", "STATEMENT"),
}


def upgrade() -> None:
    op.execute("ALTER TABLE identity_events ADD COLUMN salt bytea")
    for name, (what, each) in GUARDS.items():
        op.execute(f"""
            CREATE TRIGGER {name} BEFORE {what} ON identity_events
            FOR EACH {each} EXECUTE FUNCTION guard.refuse_change()""")
    grant("identity_events", auditor="SELECT")


def downgrade() -> None:
    op.execute("REVOKE SELECT ON identity_events FROM oversing_auditor")
    for name in GUARDS:
        op.execute(f"DROP TRIGGER {name} ON identity_events")
    op.execute("ALTER TABLE identity_events DROP COLUMN salt")
