"""Let the clock forget links and known browsers that have run out; it learns nothing of whose they were."""

from __future__ import annotations

from alembic import op

from migrations.row_security import grant

revision = "0023"
down_revision = "0022"

TABLES = ("known_devices", "password_resets")


def upgrade() -> None:
    for table in TABLES:
        grant(table, clock="SELECT (expires_at), DELETE")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"REVOKE SELECT (expires_at), DELETE ON {table} FROM oversing_clock")
