"""Tell the last key of a program's order within the statement that numbers a new task: asking for it was a second one.

It has to be VOLATILE: PL/pgSQL then looks with a new snapshot, which is taken once the row of the program is held, and
sees the task of whoever held it before. A subquery of the statement itself would look with that of its beginning.
"""

from __future__ import annotations

from alembic import op

revision = "0038"
down_revision = "0037"

LAST_RANK = """
    CREATE FUNCTION last_task_rank(tenant uuid, program uuid) RETURNS text
    LANGUAGE plpgsql VOLATILE STRICT AS $$
    BEGIN
        RETURN (SELECT max(rank) FROM public.tasks WHERE application_instance_id = tenant AND program_id = program);
    END
    $$"""


def upgrade() -> None:
    op.execute(LAST_RANK)
    op.execute("REVOKE EXECUTE ON FUNCTION last_task_rank(uuid, uuid) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION last_task_rank(uuid, uuid) TO oversing_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION last_task_rank(uuid, uuid)")
