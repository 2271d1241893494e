"""Give people more ways of signing in than a password, and show them what became of each: people, of no tenant."""

from __future__ import annotations

from alembic import op

from migrations.row_security import grant

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE user_sessions
            ADD signed_in_at timestamptz NOT NULL DEFAULT now(),
            ADD ip_network inet,
            ADD user_agent text""")
    op.execute("ALTER TABLE sign_in_attempts ADD strikes integer NOT NULL DEFAULT 0")
    op.execute("""
        CREATE TABLE totp_secrets (
            user_id bigint PRIMARY KEY REFERENCES users (user_id),
            wrapped_key bytea NOT NULL,
            sealed_secret text NOT NULL,
            confirmed_at timestamptz,
            last_step bigint NOT NULL DEFAULT 0,
            created_at timestamptz NOT NULL DEFAULT now()
        )""")
    op.execute("""
        CREATE TABLE recovery_codes (
            user_id bigint NOT NULL REFERENCES users (user_id),
            code_hash bytea NOT NULL,
            used_at timestamptz,
            PRIMARY KEY (user_id, code_hash)
        )""")
    op.execute("""
        CREATE TABLE passkeys (
            id uuid PRIMARY KEY,
            user_id bigint NOT NULL REFERENCES users (user_id),
            user_handle bytea NOT NULL,
            credential_id bytea NOT NULL CONSTRAINT passkeys_credential_is_unique UNIQUE,
            public_key bytea NOT NULL,
            sign_count bigint NOT NULL,
            name varchar(100) NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            last_used_at timestamptz,
            suspected_at timestamptz
        )""")
    op.execute("CREATE INDEX ON passkeys (user_id)")
    op.execute("""
        CREATE TABLE password_resets (
            token_hash bytea PRIMARY KEY,
            user_id bigint NOT NULL REFERENCES users (user_id),
            expires_at timestamptz NOT NULL
        )""")
    op.execute("CREATE INDEX ON password_resets (user_id)")
    op.execute("""
        CREATE TABLE known_devices (
            token_hash bytea PRIMARY KEY,
            user_id bigint NOT NULL REFERENCES users (user_id),
            expires_at timestamptz NOT NULL
        )""")
    op.execute("CREATE INDEX ON known_devices (user_id)")
    op.execute("""
        CREATE TABLE identity_events (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            user_id bigint NOT NULL REFERENCES users (user_id),
            event_type text NOT NULL,
            ip_network inet,
            user_agent text,
            facts jsonb NOT NULL DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now()
        )""")
    op.execute("CREATE INDEX ON identity_events (user_id, id)")
    for table in ("totp_secrets", "recovery_codes", "passkeys", "password_resets", "known_devices"):
        grant(table, app="SELECT, INSERT, UPDATE, DELETE")
    grant("identity_events", app="SELECT, INSERT")  # what has happened is changed by nobody


def downgrade() -> None:
    """Back to passwords alone: second steps and passkeys go, and with them what they kept out."""
    for table in ("identity_events", "known_devices", "password_resets", "passkeys", "recovery_codes", "totp_secrets"):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE sign_in_attempts DROP strikes")
    op.execute("ALTER TABLE user_sessions DROP user_agent, DROP ip_network, DROP signed_in_at")
