"""Let the auditor read the signed heads that lie beside the chain: whoever verifies the trail compares the two."""

from __future__ import annotations

from alembic import op

from migrations.row_security import grant

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    grant("audit_heads", auditor="SELECT")


def downgrade() -> None:
    op.execute("REVOKE SELECT ON audit_heads FROM oversing_auditor")
