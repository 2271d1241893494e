"""Give the tasks of a program an order of their own, which is at first that of their numbers.

The column may be empty: what ran before this step makes tasks without a place, and they come last.
"""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# "e" and five digits, as app/core/ranks.py writes whole numbers.
KEY = "'e' || " + " || ".join(
    f"substr('{DIGITS}', (number / {len(DIGITS) ** place}) % {len(DIGITS)} + 1, 1)" for place in (4, 3, 2, 1, 0)
)


def upgrade() -> None:
    op.execute("""
        ALTER TABLE tasks
            ADD rank varchar(100) COLLATE "C",
            ADD CONSTRAINT tasks_rank_is_a_key CHECK (rank ~ '^[A-Za-z][0-9A-Za-z]+$')""")
    op.execute("ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY")
    op.execute(f"UPDATE tasks SET rank = {KEY}")
    op.execute("ALTER TABLE tasks FORCE ROW LEVEL SECURITY")
    op.execute("CREATE INDEX tasks_in_order ON tasks (application_instance_id, program_id, rank)")


def downgrade() -> None:
    op.execute("ALTER TABLE tasks DROP rank")
