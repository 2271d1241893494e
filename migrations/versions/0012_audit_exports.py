"""Make exports of the audit trail: asked for by a person, written by a job part by part, gone after a day.

Parts are sealed and compressed, and any web process can hand them out. The clock may clear what has expired.
"""

from __future__ import annotations

from alembic import op

from migrations.row_security import across_tenants, grant, tenant_table

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE audit_exports (
            id uuid PRIMARY KEY,
            application_instance_id uuid NOT NULL REFERENCES application_instances (id),
            requested_by_user_id bigint NOT NULL REFERENCES users (user_id),
            format varchar(10) NOT NULL CHECK (format IN ('csv', 'jsonl')),
            filters jsonb NOT NULL,
            sight jsonb NOT NULL,
            snapshot text NOT NULL,
            state varchar(10) NOT NULL CHECK (state IN ('pending', 'running', 'ready', 'failed')),
            rows_total bigint,
            rows_done bigint NOT NULL DEFAULT 0,
            parts bigint NOT NULL DEFAULT 0,
            last_moment timestamptz,
            last_id bigint,
            created_at timestamptz NOT NULL,
            ready_at timestamptz,
            expires_at timestamptz,
            UNIQUE (application_instance_id, id)
        )""")
    op.execute("CREATE INDEX ON audit_exports (application_instance_id, requested_by_user_id, id)")
    tenant_table("audit_exports", app="SELECT, INSERT, UPDATE")
    op.execute("""
        CREATE TABLE audit_export_parts (
            application_instance_id uuid NOT NULL,
            audit_export_id uuid NOT NULL,
            number bigint NOT NULL,
            content bytea NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (application_instance_id, audit_export_id, number),
            FOREIGN KEY (application_instance_id, audit_export_id)
                REFERENCES audit_exports (application_instance_id, id)
        )""")
    op.execute("CREATE INDEX ON audit_export_parts (created_at)")
    tenant_table("audit_export_parts", app="SELECT, INSERT")
    across_tenants("audit_export_parts", "clock")
    across_tenants("audit_export_parts", "clock", "DELETE")
    grant("audit_export_parts", clock="SELECT (created_at), DELETE")


def downgrade() -> None:
    op.execute("DROP TABLE audit_export_parts, audit_exports")
