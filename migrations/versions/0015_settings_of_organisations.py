"""Give organisations their settings."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE application_instances
            ADD locale varchar(20) NOT NULL DEFAULT 'en-GB',
            ADD time_zone varchar(64) NOT NULL DEFAULT 'UTC',
            ADD working_days smallint[] NOT NULL DEFAULT '{1,2,3,4,5}',
            ADD currency varchar(3) NOT NULL DEFAULT 'EUR',
            ADD version integer NOT NULL DEFAULT 1,
            ADD updated_at timestamptz NOT NULL DEFAULT now()""")


def downgrade() -> None:
    op.execute("""
        ALTER TABLE application_instances DROP locale, DROP time_zone, DROP working_days, DROP currency, DROP version,
            DROP updated_at""")
