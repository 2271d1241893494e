"""Let people save which pages stand beside each other, share it, and begin with it. Roles are told, too."""

from __future__ import annotations

from alembic import op

from migrations.row_security import tenant_table

revision = "0034"
down_revision = "0033"

ROLES = ("access_roles", "access_permissions")
EVERYBODY = ("owner", "admin", "manager", "member", "reviewer", "auditor", "viewer")
GIVEN = {"workspace.view_own": EVERYBODY, "workspace.update": EVERYBODY, "workspace.share": EVERYBODY[:4]}


def upgrade() -> None:
    op.execute("""
        CREATE TABLE workspaces (
            id uuid PRIMARY KEY,
            application_instance_id uuid NOT NULL REFERENCES application_instances (id),
            user_id bigint NOT NULL REFERENCES users (user_id),
            name varchar(100) NOT NULL,
            panels varchar(500)[] NOT NULL CHECK (cardinality(panels) BETWEEN 1 AND 6),
            widths integer[] NOT NULL CHECK (cardinality(widths) IN (0, cardinality(panels))),
            visibility varchar(10) NOT NULL CHECK (visibility IN ('private', 'shared')),
            version bigint NOT NULL,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            UNIQUE (application_instance_id, id),
            CONSTRAINT workspaces_name_is_unique UNIQUE (application_instance_id, user_id, name)
        )""")
    op.execute("""
        CREATE TABLE workspace_defaults (
            id uuid PRIMARY KEY,
            application_instance_id uuid NOT NULL REFERENCES application_instances (id),
            user_id bigint NOT NULL REFERENCES users (user_id),
            workspace_id uuid NOT NULL,
            UNIQUE (application_instance_id, id),
            UNIQUE (application_instance_id, user_id),
            FOREIGN KEY (application_instance_id, workspace_id) REFERENCES workspaces (application_instance_id, id)
        )""")
    op.execute("CREATE INDEX ON workspace_defaults (application_instance_id, workspace_id)")
    tenant_table("workspaces", app="SELECT, INSERT, UPDATE, DELETE")
    tenant_table("workspace_defaults", app="SELECT, INSERT, UPDATE, DELETE")
    for permission, keys in GIVEN.items():
        in_all_organisations(f"""
            INSERT INTO access_permissions (application_instance_id, access_role_id, permission)
            SELECT application_instance_id, id, '{permission}' FROM access_roles
            WHERE is_shipped AND key IN ({", ".join(f"'{key}'" for key in keys)})
            ON CONFLICT DO NOTHING""")


def downgrade() -> None:
    in_all_organisations("DELETE FROM access_permissions WHERE permission LIKE 'workspace.%'")
    op.execute("DROP TABLE workspace_defaults, workspaces")


def in_all_organisations(statement: str) -> None:
    for table in ROLES:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(statement)
    for table in ROLES:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
