"""Keep what people write together, word by word, until it is saved as a version.

Each update is sealed under the key of the task or program that the text is of, and goes with it.
"""

from __future__ import annotations

from alembic import op

from migrations.row_security import across_tenants, grant, tenant_table

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE shared_texts (
            id uuid PRIMARY KEY,
            application_instance_id uuid NOT NULL REFERENCES application_instances (id),
            task_id uuid,
            program_id uuid,
            base_version bigint NOT NULL,
            sealed_base bytea NOT NULL,
            last_update bigint NOT NULL,
            size bigint NOT NULL,
            editor_ids bigint[] NOT NULL,
            saved_by_user_id bigint REFERENCES users (user_id),
            saved_at timestamptz,
            changed_at timestamptz NOT NULL,
            created_at timestamptz NOT NULL,
            CONSTRAINT shared_texts_are_of_one_thing CHECK (num_nonnulls(task_id, program_id) = 1),
            UNIQUE (application_instance_id, id),
            UNIQUE (application_instance_id, task_id),
            UNIQUE (application_instance_id, program_id),
            FOREIGN KEY (application_instance_id, task_id)
                REFERENCES tasks (application_instance_id, id) ON DELETE CASCADE,
            FOREIGN KEY (application_instance_id, program_id)
                REFERENCES programs (application_instance_id, id) ON DELETE CASCADE
        )""")
    op.execute("CREATE INDEX shared_texts_by_age ON shared_texts (changed_at)")
    tenant_table("shared_texts", app="SELECT, INSERT, UPDATE, DELETE")
    across_tenants("shared_texts", "clock")
    across_tenants("shared_texts", "clock", "DELETE")
    grant("shared_texts", clock="SELECT (changed_at, editor_ids), DELETE")
    op.execute("""
        CREATE TABLE shared_text_updates (
            application_instance_id uuid NOT NULL REFERENCES application_instances (id),
            shared_text_id uuid NOT NULL,
            number bigint NOT NULL,
            content bytea NOT NULL,
            PRIMARY KEY (application_instance_id, shared_text_id, number),
            FOREIGN KEY (application_instance_id, shared_text_id)
                REFERENCES shared_texts (application_instance_id, id) ON DELETE CASCADE
        )""")
    tenant_table("shared_text_updates", app="SELECT, INSERT, DELETE")


def downgrade() -> None:
    op.execute("DROP TABLE shared_text_updates")
    op.execute("DROP TABLE shared_texts")
