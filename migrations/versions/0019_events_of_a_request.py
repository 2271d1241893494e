"""Find the events of one request by their index, whatever the size of the audit trail.

Row security lets no index answer what an operator reads that is not leakproof, as ->> of the request in `metadata`. A
column of its own would mean to write every row of the append-only trail anew. So the owner of the trail looks the
request up, in the organisation of the transaction, and tells the places of its events and nothing else; the reader's
own query reads them there, under row security as ever.
"""

from __future__ import annotations

from alembic import op

from migrations.audit_schema import acting_as_its_owner, is_open
from migrations.row_security import TENANT

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    if _is_there():
        return
    with acting_as_its_owner():
        op.execute(f"""
            CREATE OR REPLACE FUNCTION audit.events_of_request(request text)
            RETURNS TABLE (id bigint, created_at timestamptz)
            LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 10 SET search_path = pg_catalog AS $$
                SELECT id, created_at FROM audit.audit_events
                WHERE {TENANT} AND metadata ->> 'request_id' = request AND metadata ->> 'request_id' <> ''
            $$""")
        op.execute("REVOKE EXECUTE ON FUNCTION audit.events_of_request(text) FROM PUBLIC")
        op.execute("GRANT EXECUTE ON FUNCTION audit.events_of_request(text) TO oversing_app")
        # The policies of the trail bind its owner too. This one is for the function: nobody logs in as the owner.
        _policy("true")


def downgrade() -> None:
    """Shut the way; nothing of the trail is ever dropped. Of a closed trail it stays, and no older code knows of it."""
    if is_open():
        with acting_as_its_owner():
            op.execute("REVOKE EXECUTE ON FUNCTION audit.events_of_request(text) FROM oversing_app")
            _policy("false")


def _is_there() -> bool:
    found = op.get_bind().exec_driver_sql(
        "SELECT FROM pg_proc, pg_policies WHERE pronamespace = 'audit'::regnamespace AND proname = 'events_of_request'"
        " AND has_function_privilege('oversing_app', pg_proc.oid, 'EXECUTE')"
        " AND schemaname = 'audit' AND policyname = 'requests' AND qual = 'true'"
    )
    return found.first() is not None


def _policy(shown: str) -> None:
    op.execute(f"""
        DO $$
        BEGIN
            IF EXISTS (SELECT FROM pg_policies WHERE schemaname = 'audit' AND policyname = 'requests') THEN
                ALTER POLICY requests ON audit.audit_events USING ({shown});
            ELSE
                CREATE POLICY requests ON audit.audit_events FOR SELECT TO oversing_audit USING ({shown});
            END IF;
        END
        $$""")
