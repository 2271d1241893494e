"""Let organisations be suspended."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute("ALTER TABLE application_instances ADD suspended_at timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE application_instances DROP suspended_at")
