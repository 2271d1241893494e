"""Let people say how dates are shown to them, and show a picture of themselves."""

from __future__ import annotations

from alembic import op

from migrations.row_security import grant

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE users
            ADD time_zone varchar(64),
            ADD locale varchar(20),
            ADD avatar_id uuid,
            ADD version integer NOT NULL DEFAULT 1""")
    op.execute("""
        CREATE TABLE user_avatars (
            user_id bigint PRIMARY KEY REFERENCES users (user_id),
            id uuid NOT NULL,
            wrapped_key bytea NOT NULL,
            sealed_image bytea NOT NULL CHECK (octet_length(sealed_image) <= 262144),
            created_at timestamptz NOT NULL DEFAULT now()
        )""")
    grant("user_avatars", app="SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    op.execute("DROP TABLE user_avatars")
    op.execute("ALTER TABLE users DROP version, DROP avatar_id, DROP locale, DROP time_zone")
