"""Events of accounts, which belong to no organisation: the trail holds a digest of each."""

from typing import Any
from uuid import UUID

import psycopg

from runcible.errors import NotCanonical
from runcible.storage.audit_chain import account_digest
from runcible.storage.verification.reading import streamed
from runcible.storage.verification.report import Report

NOBODY = UUID(int=0)  # whose events belong to no organisation

_ACCOUNTS = """
    SELECT kept.id, kept.user_id, kept.event_type, kept.user_agent, kept.facts, kept.salt, kept.created_at,
           host(kept.ip_network) || '/' || masklen(kept.ip_network) AS ip_network,
           anchor.event_id, anchor.entity_id, anchor.digest,
           kept.id < (SELECT min(entity_id::bigint) FROM audit.audit_events
                      WHERE application_instance_id = %(nobody)s AND entity_type = 'IdentityEvent') AS is_older
    FROM public.identity_events AS kept
    FULL JOIN (
        SELECT event_id, entity_id, metadata #>> '{facts,account}' AS digest FROM audit.audit_events
        WHERE application_instance_id = %(nobody)s AND entity_type = 'IdentityEvent'
    ) AS anchor ON anchor.entity_id = kept.id::text
    ORDER BY kept.id"""


def walk_accounts(connection: psycopg.Connection[Any], report: Report) -> None:
    """Each event of an account is as the trail holds it. The trail itself has been verified by now."""
    for row in streamed(connection, "accounts", _ACCOUNTS, {"nobody": NOBODY}):
        if row.id is None:
            said = f"was taken out, or given another id; see event {row.event_id}"
            report.add("identity_events", f"id {row.entity_id}", said)
            continue
        report.account_events += 1
        name = f"id {row.id}, of user {row.user_id}"
        if row.event_id is None and row.is_older is not False:
            report.uncovered_account_events += 1
        elif row.event_id is None:
            report.add("identity_events", name, "was put in, or given another id: no event of the trail is of it")
        elif _account_digest(row) != row.digest:
            said = f"is not what was written: a column of it was changed; see event {row.event_id}"
            report.add("identity_events", name, said)


def _account_digest(row: Any) -> str | None:
    try:
        return account_digest(bytes(row.salt or b""), row)
    except NotCanonical:
        return None
