"""Show work that belongs to no organisation to the worker that is about it only: not to every page of everybody."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"

NOBODYS = "application_instance_id IS NULL"
ABOUT_IT = f"{NOBODYS} AND current_setting('oversing.tenant', true) = '00000000-0000-0000-0000-000000000000'"


def upgrade() -> None:
    op.execute(f"ALTER POLICY nobodys ON outbox USING ({ABOUT_IT}) WITH CHECK ({ABOUT_IT})")
    op.execute(f"CREATE POLICY for_nobody ON outbox FOR INSERT TO oversing_app WITH CHECK ({NOBODYS})")


def downgrade() -> None:
    op.execute("DROP POLICY for_nobody ON outbox")
    op.execute(f"ALTER POLICY nobodys ON outbox USING ({NOBODYS}) WITH CHECK ({NOBODYS})")
