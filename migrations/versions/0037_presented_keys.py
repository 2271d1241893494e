"""Find a presented API key by one statement: presenting it and reading its row were two, in each request of a program.

The row is still shown by the policy alone, to whoever presents its hash.
"""

from __future__ import annotations

from alembic import op

revision = "0037"
down_revision = "0036"

PRESENT = """
    CREATE FUNCTION presented_api_key(presented bytea) RETURNS SETOF api_keys
    LANGUAGE plpgsql STRICT ROWS 1 AS $$
    BEGIN
        PERFORM set_config('oversing.api_key', encode(presented, 'hex'), true);
        RETURN QUERY SELECT * FROM public.api_keys WHERE secret_hash = presented;
    END
    $$"""


def upgrade() -> None:
    op.execute(PRESENT)
    op.execute("REVOKE EXECUTE ON FUNCTION presented_api_key(bytea) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION presented_api_key(bytea) TO oversing_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION presented_api_key(bytea)")
