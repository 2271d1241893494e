"""Let those who run an organisation see how quick its pages are: roles are rows, and these are there already."""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"

TABLES = ("access_roles", "access_permissions")


def upgrade() -> None:
    in_all_organisations("""
        INSERT INTO access_permissions (application_instance_id, access_role_id, permission)
        SELECT application_instance_id, id, 'page_speed.view' FROM access_roles
        WHERE is_shipped AND key IN ('owner', 'admin')
        ON CONFLICT DO NOTHING""")


def downgrade() -> None:
    in_all_organisations("DELETE FROM access_permissions WHERE permission = 'page_speed.view'")


def in_all_organisations(statement: str) -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(statement)
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
