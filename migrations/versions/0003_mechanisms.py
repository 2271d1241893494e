"""Make what the mechanisms remember: work for later, requests already answered, keys that can be destroyed."""

from __future__ import annotations

from alembic import op

from migrations.row_security import across_tenants, grant, tenant_table

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE outbox (
            id uuid PRIMARY KEY,
            application_instance_id uuid NOT NULL REFERENCES application_instances (id),
            queue varchar(50) NOT NULL,
            job varchar(100) NOT NULL,
            subject_id uuid NOT NULL,
            attempts integer NOT NULL DEFAULT 0,
            due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            sent_at timestamptz,
            done_at timestamptz,
            failed_at timestamptz,
            last_error text
        )""")
    op.execute("CREATE INDEX outbox_waiting ON outbox (due_at) WHERE done_at IS NULL AND failed_at IS NULL")
    tenant_table("outbox", app="SELECT, INSERT, UPDATE", signer="SELECT, INSERT, UPDATE")
    across_tenants("outbox", "clock")
    across_tenants("outbox", "clock", "UPDATE")
    across_tenants("outbox", "clock", "DELETE")
    grant("outbox", clock="SELECT, UPDATE, DELETE")

    op.execute("""
        CREATE TABLE idempotency_keys (
            application_instance_id uuid NOT NULL REFERENCES application_instances (id),
            owner varchar(100) NOT NULL,
            key varchar(255) NOT NULL,
            fingerprint bytea NOT NULL,
            subject_id uuid NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (application_instance_id, owner, key)
        )""")
    op.execute("CREATE INDEX ON idempotency_keys (created_at)")
    tenant_table("idempotency_keys", app="SELECT, INSERT")
    across_tenants("idempotency_keys", "clock")
    across_tenants("idempotency_keys", "clock", "DELETE")
    grant("idempotency_keys", clock="SELECT (created_at), DELETE")

    op.execute("""
        CREATE TABLE application_instance_keys (
            application_instance_id uuid PRIMARY KEY REFERENCES application_instances (id),
            wrapped_key bytea NOT NULL
        )""")
    tenant_table("application_instance_keys", app="SELECT, INSERT", signer="SELECT")
    op.execute("""
        CREATE TABLE record_keys (
            application_instance_id uuid NOT NULL REFERENCES application_instances (id),
            subject varchar(100) NOT NULL,
            wrapped_key bytea,
            erased_at timestamptz,
            PRIMARY KEY (application_instance_id, subject),
            CHECK ((wrapped_key IS NULL) = (erased_at IS NOT NULL))
        )""")
    tenant_table("record_keys", app="SELECT, INSERT, UPDATE", signer="SELECT, INSERT")


def downgrade() -> None:
    for table in ("record_keys", "application_instance_keys", "idempotency_keys", "outbox"):
        op.execute(f"DROP TABLE {table}")
