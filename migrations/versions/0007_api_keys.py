"""Let keys be bound to networks and exchanged for new ones, and say which pages may call the API of an organisation."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE api_keys
            ADD networks varchar(43)[] NOT NULL DEFAULT '{}',
            ADD last_used_network varchar(43),
            ADD replaces_id uuid,
            ADD FOREIGN KEY (application_instance_id, replaces_id) REFERENCES api_keys (application_instance_id, id),
            ADD CONSTRAINT api_keys_are_replaced_once UNIQUE (application_instance_id, replaces_id)""")
    # A browser asks before it sends a key: which organisation it will be is not known then.
    op.execute("ALTER TABLE application_instances ADD api_origins varchar(255)[] NOT NULL DEFAULT '{}'")
    op.execute("CREATE INDEX application_instances_api_origins ON application_instances USING gin (api_origins)")


def downgrade() -> None:
    op.execute("ALTER TABLE application_instances DROP api_origins")
    op.execute("ALTER TABLE api_keys DROP replaces_id, DROP last_used_network, DROP networks")
