"""Make mails that wait to be sent: sealed, of no organisation, and gone as soon as a server has taken them."""

from __future__ import annotations

from alembic import op

from migrations.row_security import grant

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE mails (
            id uuid PRIMARY KEY,
            wrapped_key bytea NOT NULL,
            content text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp()
        )""")
    grant("mails", app="SELECT, INSERT, DELETE")
    # Who has forgotten a password may belong to no organisation. The row says nothing but the id of a mail.
    op.execute("ALTER TABLE outbox ALTER COLUMN application_instance_id DROP NOT NULL")
    op.execute("""
        CREATE POLICY nobodys ON outbox TO oversing_app
        USING (application_instance_id IS NULL) WITH CHECK (application_instance_id IS NULL)""")


def downgrade() -> None:
    op.execute("DROP POLICY nobodys ON outbox")
    op.execute("ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM outbox WHERE application_instance_id IS NULL")
    op.execute("ALTER TABLE outbox FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE outbox ALTER COLUMN application_instance_id SET NOT NULL")
    op.execute("DROP TABLE mails")
