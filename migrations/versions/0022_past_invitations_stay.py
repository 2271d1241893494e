"""Keep past invitations when their role is deleted: they tell how somebody came in, and as what."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"

KEY = "invitations_application_instance_id_access_role_id_fkey"
TO_ROLES = "FOREIGN KEY (application_instance_id, access_role_id) REFERENCES access_roles (application_instance_id, id)"


def upgrade() -> None:
    op.execute(f"""
        ALTER TABLE invitations
            ADD former_role_name varchar(100),
            ALTER access_role_id DROP NOT NULL,
            DROP CONSTRAINT {KEY},
            ADD CONSTRAINT {KEY} {TO_ROLES},
            ADD CONSTRAINT invitations_wait_with_a_role
                CHECK (access_role_id IS NOT NULL OR accepted_at IS NOT NULL OR withdrawn_at IS NOT NULL)""")


def downgrade() -> None:
    """Those whose role is gone go, as they did before."""
    op.execute("ALTER TABLE invitations NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM invitations WHERE access_role_id IS NULL")
    op.execute("ALTER TABLE invitations FORCE ROW LEVEL SECURITY")
    op.execute(f"""
        ALTER TABLE invitations
            DROP CONSTRAINT invitations_wait_with_a_role,
            DROP CONSTRAINT {KEY},
            ADD CONSTRAINT {KEY} {TO_ROLES} ON DELETE CASCADE,
            ALTER access_role_id SET NOT NULL,
            DROP former_role_name""")
