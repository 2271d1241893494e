"""Let an organisation say how long its people stay signed in: without use, and at all events."""

from __future__ import annotations

from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE application_instances
            ADD session_idle_minutes smallint NOT NULL DEFAULT 480,
            ADD session_hours smallint NOT NULL DEFAULT 168,
            ADD CONSTRAINT application_instances_session_idle_minutes CHECK (session_idle_minutes BETWEEN 5 AND 1440),
            ADD CONSTRAINT application_instances_session_hours CHECK (session_hours BETWEEN 1 AND 720)""")
    op.execute("DROP INDEX application_instances_api_origins")  # nobody asks any more whether anybody lists a site


def downgrade() -> None:
    op.execute("CREATE INDEX application_instances_api_origins ON application_instances USING gin (api_origins)")
    op.execute("ALTER TABLE application_instances DROP session_idle_minutes, DROP session_hours")
