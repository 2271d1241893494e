"""Let organisations be closed, after a time in which that can be taken back."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute("ALTER TABLE application_instances ADD closes_at timestamptz, ADD closed_at timestamptz")
    op.execute("GRANT DELETE ON application_instance_keys TO oversing_app")


def downgrade() -> None:
    op.execute("REVOKE DELETE ON application_instance_keys FROM oversing_app")
    op.execute("ALTER TABLE application_instances DROP closes_at, DROP closed_at")
