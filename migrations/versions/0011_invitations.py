"""Make invitations, and note when a member was last there."""

from __future__ import annotations

from alembic import op

from migrations.row_security import tenant_table

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE invitations (
            id uuid PRIMARY KEY,
            application_instance_id uuid NOT NULL REFERENCES application_instances (id),
            email varchar(254) NOT NULL,
            access_role_id uuid NOT NULL,
            invited_by_user_id bigint REFERENCES users (user_id),
            token_hash bytea NOT NULL UNIQUE,
            expires_at timestamptz NOT NULL,
            withdrawn_at timestamptz,
            accepted_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (application_instance_id, id),
            FOREIGN KEY (application_instance_id, access_role_id)
                REFERENCES access_roles (application_instance_id, id) ON DELETE CASCADE
        )""")
    op.execute("""
        CREATE UNIQUE INDEX invitations_wait_once ON invitations (application_instance_id, lower(email))
        WHERE accepted_at IS NULL AND withdrawn_at IS NULL""")
    tenant_table("invitations", app="SELECT, INSERT, UPDATE")
    # Whoever presents a token may find that one row, before any organisation is current.
    op.execute("""
        CREATE POLICY presented ON invitations FOR SELECT TO oversing_app
        USING (token_hash = (SELECT decode(nullif(current_setting('oversing.invitation', true), ''), 'hex')))""")
    op.execute("ALTER TABLE application_instance_users ADD last_seen_at timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE application_instance_users DROP last_seen_at")
    op.execute("DROP TABLE invitations")
