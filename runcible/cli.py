"""The command line: `python -m runcible verify | unpack | replay | audit verify`.

The first three need no network, no database and no environment; `audit verify` reads the database of the trail, which
`--database` or AUDITOR_DATABASE_URL names. Exit codes: 0 when every required check passes, 1 when one doesn't, 2 for
what can't be read and for wrong usage.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from runcible.certification import bundle as bundles
from runcible.certification.bundle import Bundle
from runcible.certification.replay import ReplayImpossible, replay
from runcible.certification.report import Report
from runcible.certification.trust_root import LARGEST as LARGEST_TRUST_ROOT
from runcible.certification.trust_root import TrustRoot
from runcible.certification.unpack import unpack
from runcible.certification.verifier import verify_bundle
from runcible.content import MAX_BYTES
from runcible.errors import BundleInvalid, VerificationError
from runcible.moments import FIRST_YEAR, LAST_YEAR, format_moment
from runcible.storage import audit_logger
from runcible.storage.audit_heads import KeptHead, read_heads
from runcible.storage.verification.report import Signatures

OK, FAILED, UNUSABLE = 0, 1, 2
LARGEST_HEADS = 1 << 30


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. A person sees sentences, never a traceback."""
    parsed = _parser().parse_args(arguments)
    try:
        code: int = parsed.run(parsed)
    except _Unusable as refused:
        print(f"runcible: {refused}", file=sys.stderr)
        return UNUSABLE
    except BrokenPipeError:
        return UNUSABLE
    return code


class _Unusable(Exception):
    """A file that can't be read or written; the message names it."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m runcible", description="Verify certifications and the audit trail."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    verify = commands.add_parser("verify", help="check a bundle against a trust root, and print each check")
    verify.add_argument("file", type=Path, metavar="FILE", help="the bundle, *.rcb.json")
    verify.add_argument("--trust-root", type=Path, required=True, metavar="FILE", help="the keys that you believe")
    verify.add_argument("--at", type=_moment, metavar="ISO", help="the moment to judge at; now if left out")
    verify.add_argument("--content", type=Path, metavar="FILE", help="the content, where it isn't in the bundle")
    verify.set_defaults(run=_verify)
    unpacked = commands.add_parser("unpack", help="write the parts of a bundle as files for openssl; verifies nothing")
    unpacked.add_argument("file", type=Path, metavar="FILE", help="the bundle, *.rcb.json")
    unpacked.add_argument("directory", type=Path, metavar="DIR", help="where to write; made if need be")
    unpacked.set_defaults(run=_unpack)
    replayed = commands.add_parser("replay", help="run the policy of a bundle again, and compare byte for byte")
    replayed.add_argument("file", type=Path, metavar="FILE", help="the bundle, *.rcb.json")
    replayed.add_argument("--input", type=Path, metavar="FILE", help="the input that the model was given")
    replayed.set_defaults(run=_replay)
    audit = commands.add_parser("audit", help="verify the audit trail").add_subparsers(required=True, metavar="WHAT")
    trail = audit.add_parser("verify", help="recompute every link of the audit trail, and name what was changed")
    trail.add_argument("--head", type=Path, metavar="FILE", help="heads that were kept outside of the database")
    trail.add_argument(
        "--trust-root",
        type=Path,
        metavar="FILE",
        help="the keys by which heads must be signed",
    )
    trail.add_argument("--database", metavar="URL", help="as the auditor; AUDITOR_DATABASE_URL if left out")
    trail.set_defaults(run=_verify_trail)
    return parser


def _moment(text: str) -> datetime:
    """An ISO 8601 moment; one without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a moment such as 2026-11-22T20:42:00Z") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise argparse.ArgumentTypeError(f"the year must lie between {FIRST_YEAR} and {LAST_YEAR}")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _verify(parsed: argparse.Namespace) -> int:
    data = _read(parsed.file, bundles.LARGEST)
    content = None if parsed.content is None else _read(parsed.content, MAX_BYTES)
    trust_root = _trust_root(parsed.trust_root)
    report = verify_bundle(data, trust_root, parsed.at or datetime.now(UTC), content=content)
    _print(report)
    return OK if report.ok else FAILED


def _print(report: Report) -> None:
    if report.statement is not None:
        statement = report.statement
        print(_shown(f"{statement.number}: {statement.decision}"))
        print(_shown(f"Issued by {statement.issuer}, asked for by {statement.requested_by or 'somebody not named'}"))
    for check in report.checks:
        needed = "" if check.required else " (not required)"
        print(_shown(f"{check.verdict:<8}{check.name:<18}{check.reason}{needed}"))
    if report.ok:
        print("Verified: every required check passes.")
    elif report.authentic and not report.failed:
        print("NOT VERIFIED: a genuine record, and nothing failed; its content is not here to be checked.")
    elif report.authentic:
        print("NOT VERIFIED: a genuine record, but one not to be relied on. See above.")
    else:
        print("NOT VERIFIED: see the checks above that don't pass.")


def _unpack(parsed: argparse.Namespace) -> int:
    bundle = _bundle(parsed.file)
    try:
        names = unpack(bundle, parsed.directory)
    except OSError as refused:
        raise _Unusable(f"{parsed.directory}: {refused.strerror}") from None
    print(f"Wrote {', '.join(names)}. Nothing was verified.")
    return OK


def _replay(parsed: argparse.Namespace) -> int:
    bundle = _bundle(parsed.file)
    given = None if parsed.input is None else _text(parsed.input)
    try:
        outcome = replay(bundle, input_text=given)
    except ReplayImpossible as refused:
        raise _Unusable(f"{parsed.file}: {refused}") from None
    if not outcome.same_engine:
        print("The record was made by another version of the code that judges; differences may come from that.")
    if outcome.agrees:
        print("The same to the byte.")
        return OK
    print(_shown(f"DIFFERENT: {', '.join(outcome.differing_rules) or 'not in a rule'}"))
    return FAILED


def _verify_trail(parsed: argparse.Namespace) -> int:
    url = parsed.database or os.environ.get("AUDITOR_DATABASE_URL")
    if not url:
        raise _Unusable("say which database: --database URL, or AUDITOR_DATABASE_URL")
    heads, torn = _heads(parsed.head)
    trust_root = None if parsed.trust_root is None else _trust_root(parsed.trust_root)
    try:
        report = audit_logger.verify(url, heads, trust_root)
    except psycopg.Error as refused:
        raise _Unusable(f"the database can't be read: {str(refused).splitlines()[0]}") from None
    for finding in report.findings:
        print(_shown(f"TAMPERED  {finding}"))
    if torn:
        print("Note: a line of the heads was cut off while it was written.")
    if report.unlinked:
        print(f"Note: {report.unlinked} events are newer than the chain; the clock links them within a second or so.")
    if report.unanchored:
        print(f"Note: {report.unanchored} events are unanchored: newer than the newest head that was kept.")
    if report.unanchored is None:
        print("Note: no heads were given. A chain that was rewritten whole, or cut off, can't be told without them.")
    elif heads:
        _print_signatures(report.signatures)
    if report.uncovered_account_events:
        print(
            f"Note: {report.uncovered_account_events} events of accounts are older than what the trail holds of such."
        )
    counted = (
        f"{report.events} events, {report.custody_entries} entries of custody, {report.account_events} of accounts, "
        f"{report.signed_heads} signed heads beside the chain"
    )
    print(f"Verified: {counted}." if report.ok else f"NOT VERIFIED: {len(report.findings)} findings in {counted}.")
    return OK if report.ok else FAILED


def _heads(path: Path | None) -> tuple[list[KeptHead] | None, bool]:
    """The heads in a file, and whether a line of it was cut off."""
    if path is None:
        return None, False
    try:
        return read_heads(_read(path, LARGEST_HEADS))
    except ValueError as refused:
        raise _Unusable(f"{path}: {refused}") from None


def _print_signatures(found: Signatures) -> None:
    if found.checked and found.newest is not None:
        signed_at = format_moment(found.newest.signed_at) if found.newest.signed_at else ""
        print(f"Signed: the heads up to sequence {found.newest.sequence}, the last at {signed_at}.")
        if found.unsigned_events:
            print(f"Note: {found.unsigned_events} events are newer than the newest signed head.")
    elif found.signed and not found.checked:
        print(f"Note: the signatures of {found.signed} heads were not checked. Give --trust-root FILE.")
    else:
        print("Note: UNSIGNED. No head is signed by a key that counts: whoever could write the file could change them.")
    if found.doubtful:
        print(f"Note: {found.doubtful} heads were signed by a key that was compromised since, and count as unsigned.")
    for head in found.late[:10]:
        print(_shown(f"Note: the head of {head} was signed more than an hour after its time. Ask why."))


def _trust_root(path: Path) -> TrustRoot:
    try:
        return TrustRoot.from_bytes(_read(path, LARGEST_TRUST_ROOT))
    except VerificationError as refused:
        raise _Unusable(f"{path}: {refused}") from None


def _bundle(path: Path) -> Bundle:
    try:
        return bundles.read(_read(path, bundles.LARGEST))
    except BundleInvalid as refused:
        raise _Unusable(_shown(f"{path}: {refused}")) from None


def _text(path: Path) -> str:
    try:
        return _read(path, MAX_BYTES).decode()
    except UnicodeDecodeError:
        raise _Unusable(f"{path}: not a text in UTF-8") from None


def _read(path: Path, largest: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(largest + 1)
    except (OSError, ValueError) as refused:
        raise _Unusable(f"{path}: {getattr(refused, 'strerror', None) or refused}") from None
    if len(data) > largest:
        raise _Unusable(f"{path}: larger than {largest} bytes")
    return data


def _shown(text: str) -> str:
    """Text that came from a file, made harmless for a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
