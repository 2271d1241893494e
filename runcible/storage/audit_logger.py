"""Verify the audit trail in PostgreSQL: recompute every link, and name each row that was tampered with.

It reads in one transaction, as of one moment, and needs no more than the role of the auditor. What was changed, taken
out, put in, put elsewhere or cut off is a `Finding`; with the heads that were kept outside of the database also what a
whole rewritten chain would hide.
"""

from collections.abc import Sequence

import psycopg
from psycopg.rows import namedtuple_row

from runcible.certification.trust_root import TrustRoot
from runcible.storage.audit_heads import KeptHead
from runcible.storage.verification.accounts import walk_accounts
from runcible.storage.verification.chain import walk_the_chain
from runcible.storage.verification.custody import walk_custody
from runcible.storage.verification.kept_heads import believed, compare_with_kept
from runcible.storage.verification.report import Report
from runcible.storage.verification.signed_heads import SignedHeads
from runcible.storage.verification.tables import compare_tables


def verify(url: str, heads: Sequence[KeptHead] | None = None, trust_root: TrustRoot | None = None) -> Report:
    """Walk the whole trail of the database at `url`, and compare it with `heads` and with those that lie beside it.

    With a `trust_root` the signatures of both are checked too, and a head whose signature is wrong is refused: nothing
    is compared with it. Raises psycopg.Error where the database cannot be read.
    """
    report = Report()
    kept = [] if heads is None else believed(report, heads, trust_root)
    with psycopg.connect(url, row_factory=namedtuple_row) as connection:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SET LOCAL statement_timeout = 0")
        compare_tables(connection, report)
        signed = SignedHeads(connection, report, kept, trust_root)
        length = walk_the_chain(connection, report, kept, signed)
        signed.end(length)
        if heads is not None:
            compare_with_kept(connection, report, kept, length)
        walk_custody(connection, report)
        walk_accounts(connection, report)
    return report
