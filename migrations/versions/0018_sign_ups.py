"""Keep what somebody has asked for who signs up, until they have confirmed their address."""

from __future__ import annotations

from alembic import op

from migrations.row_security import grant

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE sign_ups (
            token_hash bytea PRIMARY KEY,
            slug varchar(63) NOT NULL,
            name varchar(200) NOT NULL,
            owner_name varchar(200) NOT NULL,
            owner_email varchar(254) NOT NULL,
            password_hash text NOT NULL,
            expires_at timestamptz NOT NULL
        )""")
    grant("sign_ups", app="SELECT, INSERT, UPDATE, DELETE", clock="SELECT (expires_at), DELETE")


def downgrade() -> None:
    op.execute("DROP TABLE sign_ups")
