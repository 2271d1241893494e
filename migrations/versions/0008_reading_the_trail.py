"""Make the audit trail quick to read: newest first for a whole organisation, by kind of thing, and by request.

The schema is closed to everybody: see migrations/audit_schema.py for how a release gets in. Each month is indexed in a
transaction of its own, so that writing never waits for the whole trail.
"""

from __future__ import annotations

from alembic import op

from migrations.audit_schema import acting_as_its_owner, complete, index_every_partition

revision = "0008"
down_revision = "0007"

INDEXES = {
    "audit_events_newest": "(application_instance_id, created_at, id)",
    "audit_events_by_kind": "(application_instance_id, entity_type, created_at, id)",
    "audit_events_by_request": "(application_instance_id, (metadata ->> 'request_id'), created_at)"
    " WHERE metadata ->> 'request_id' <> ''",
}


def upgrade() -> None:
    if complete(*INDEXES):
        return
    with op.get_context().autocommit_block(), acting_as_its_owner():
        for name, on in INDEXES.items():
            index_every_partition("audit_events", name, on)


def downgrade() -> None:
    """The trail itself stays as it is; only ways to read it go. A drop is refused to everybody, so they stay too."""
