"""Note when the owners of an organisation were reminded that it closes, so that they are told once."""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.execute("ALTER TABLE application_instances ADD closing_reminded_at timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE application_instances DROP closing_reminded_at")
