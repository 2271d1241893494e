"""What a certification may become, and what of it can never change: the database itself says so."""

from __future__ import annotations

from uuid import uuid4

import pytest
from psycopg import errors, sql
from psycopg.types.json import Jsonb

from tests.trail import as_superuser

STATUSES = (
    "pending", "validating", "needs_review", "certified", "rejected", "failed", "suspended", "revoked", "superseded",
)  # fmt: skip
ALLOWED = {
    ("pending", "validating"), ("pending", "failed"),
    ("validating", "needs_review"), ("validating", "certified"), ("validating", "rejected"), ("validating", "failed"),
    ("failed", "pending"), ("failed", "validating"),
    ("needs_review", "certified"), ("needs_review", "rejected"),
    ("certified", "suspended"), ("certified", "revoked"), ("certified", "superseded"),
    ("suspended", "certified"), ("suspended", "revoked"),
}  # fmt: skip
# Another value for each column that is fixed from the first moment on.
ABOUT = {
    "id": uuid4(), "application_instance_id": uuid4(), "created_at": "2020-01-01", "task_id": uuid4(),
    "llm_output_id": uuid4(), "llm_provider": "another", "model_name": "another", "input_hash": "0" * 64,
    "output_hash": "0" * 64, "governance_policy_id": uuid4(), "policy_version_id": uuid4(),
    "requested_by_user_id": 2**40, "supersedes_id": uuid4(),
}  # fmt: skip
# Another value for each column that is written once.
FROZEN = {
    "certification_number": "RC-2026-0000000001-X", "payload": b"another", "dsse_envelope": Jsonb({}),
    "timestamp_token": b"another", "timestamped_at": "2020-01-01", "certified_at": "2020-01-01",
    "decided_at": "2020-01-01", "expires_at": "2099-01-01", "signature": "another", "signature_algorithm": "none",
}  # fmt: skip
NUMBERED = "SELECT id, certification_number FROM runcible.certifications WHERE certification_number IS NOT NULL"


@pytest.fixture
def certified(besieged):
    """A connection as a superuser who steps down to a role of the product, and a certified certification."""
    row = besieged.execute("SELECT id FROM runcible.certifications WHERE certification_status = 'certified'").fetchone()
    return besieged, row.id


def bring_to(connection, certification_id, status):
    """Put the row into a status, whatever the rules say: only a superuser can, with ordinary triggers switched off."""
    connection.execute("SET LOCAL session_replication_role = replica")
    connection.execute(
        "UPDATE runcible.certifications SET certification_status = %s WHERE id = %s", [status, certification_id]
    )
    connection.execute("SET LOCAL session_replication_role = origin")


def goes(connection, role, certification_id, status):
    """Whether `role` can move the row to a status."""
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(f"oversing_{role}")))
    try:
        with connection.transaction(force_rollback=True):
            moved = connection.execute(
                "UPDATE runcible.certifications SET certification_status = %s WHERE id = %s", [status, certification_id]
            )
            assert moved.rowcount == 1
            return True
    except errors.CheckViolation:
        return False
    finally:
        connection.execute("RESET ROLE")


@pytest.mark.parametrize("role", ["app", "signer"])
def test_a_certification_moves_only_along_the_ways_there_are(certified, role):
    connection, certification_id = certified
    open_ways = set()
    for origin in STATUSES:
        bring_to(connection, certification_id, origin)
        for status in (*STATUSES, "expired", "approved", "", "CERTIFIED"):
            if status != origin and goes(connection, role, certification_id, status):
                open_ways.add((origin, status))
    assert open_ways == ALLOWED


def test_the_ways_are_data_that_no_working_role_can_change(fortress):
    for role in ("app", "signer", "clock", "auditor"):
        with fortress.as_role(role) as connection, pytest.raises(errors.InsufficientPrivilege):
            connection.execute("INSERT INTO runcible.certification_transitions VALUES ('revoked', 'certified')")


def update(connection, role, certification_id, column, value):
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(f"oversing_{role}")))
    statement = sql.SQL("UPDATE runcible.certifications SET {} = %s WHERE id = %s").format(sql.Identifier(column))
    assert connection.execute(statement, [value, certification_id]).rowcount == 1


@pytest.mark.parametrize("role", ["app", "signer"])
@pytest.mark.parametrize("column", [*ABOUT, *FROZEN])
def test_what_was_signed_stays_as_it_was_signed(certified, role, column):
    connection, certification_id = certified
    with pytest.raises((errors.CheckViolation, errors.InsufficientPrivilege)):
        update(connection, role, certification_id, column, (ABOUT | FROZEN)[column])


@pytest.mark.parametrize("column", [name for name in FROZEN if name != "signature_algorithm"])
def test_what_was_signed_is_not_taken_away_either(certified, column):
    connection, certification_id = certified
    with pytest.raises(errors.CheckViolation):
        update(connection, "app", certification_id, column, "" if column == "signature" else None)


def test_what_may_change_still_can(certified):
    connection, certification_id = certified
    update(connection, "app", certification_id, "revocation_reason", "No longer true")
    update(connection, "signer", certification_id, "status_snapshot", Jsonb({}))


def test_a_row_of_another_organisation_is_not_even_seen(certified):
    connection, certification_id = certified
    connection.execute("SELECT set_config('oversing.tenant', %s, true)", [str(uuid4())])
    connection.execute("SET LOCAL ROLE oversing_app")
    changed = connection.execute(
        "UPDATE runcible.certifications SET certification_status = 'revoked' WHERE id = %s", [certification_id]
    )
    assert changed.rowcount == 0


def copied(connection, certification_id, **changed):
    """Insert a copy of the certification with other values, as the application."""
    row = connection.execute("SELECT * FROM runcible.certifications WHERE id = %s", [certification_id]).fetchone()
    undecided = dict.fromkeys(FROZEN) | {
        "certification_status": "pending", "signature": "", "signature_algorithm": "RSA-SHA256", "action_state": None,
        "status_snapshot": None, "seal": None, "id": uuid4(),
    }  # fmt: skip
    row = row._asdict() | undecided | changed
    row |= {name: Jsonb(value) for name, value in row.items() if isinstance(value, dict)}
    names = sql.SQL(", ").join(map(sql.Identifier, row))
    places = sql.SQL(", ").join(sql.Placeholder() for _name in row)
    connection.execute("SET LOCAL ROLE oversing_app")
    statement = sql.SQL("INSERT INTO runcible.certifications ({}) VALUES ({})").format(names, places)
    connection.execute(statement, list(row.values()))


def test_a_certification_begins_as_pending(certified):
    connection, certification_id = certified
    copied(connection, certification_id)


@pytest.mark.parametrize("status", [*(s for s in STATUSES if s != "pending"), "anything"])
def test_no_certification_begins_decided(certified, status):
    connection, certification_id = certified
    with pytest.raises(errors.CheckViolation):
        copied(connection, certification_id, certification_status=status)


@pytest.mark.parametrize("column", [name for name in FROZEN if name != "signature_algorithm"])
def test_no_certification_begins_with_a_number_or_a_signature(certified, column):
    connection, certification_id = certified
    with pytest.raises(errors.CheckViolation):
        copied(connection, certification_id, **{column: FROZEN[column]})


def test_a_verdict_without_number_payload_and_signature_is_refused(certified):
    connection, certification_id = certified
    connection.execute("SET LOCAL session_replication_role = replica")
    for missing in ("certification_number = NULL", "payload = NULL", "signature = ''"):
        with pytest.raises(errors.CheckViolation), connection.transaction():
            connection.execute(f"UPDATE runcible.certifications SET {missing} WHERE id = %s", [certification_id])


def test_a_number_is_given_once_in_the_whole_installation(certified):
    connection, certification_id = certified
    copy_id = uuid4()
    copied(connection, certification_id, id=copy_id)
    connection.execute("RESET ROLE")
    number = connection.execute(f"{NUMBERED} AND id = %s", [certification_id]).fetchone().certification_number
    with pytest.raises(errors.UniqueViolation):
        update(connection, "app", copy_id, "certification_number", number)


IMMUTABLE = ("governance_policy_versions", "llm_output_versions")


@pytest.mark.parametrize("role", ["app", "signer", "owner"])
@pytest.mark.parametrize("table", ["certifications", *IMMUTABLE])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_nothing_is_taken_back(fortress, role, table, statement):
    with fortress.as_role(role) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement.format(f"runcible.{table}"))


@pytest.mark.parametrize("role", ["app", "signer", "owner"])
@pytest.mark.parametrize("table", IMMUTABLE)
def test_a_version_is_for_ever(fortress, role, table):
    with fortress.as_role(role) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(f"UPDATE runcible.{table} SET created_at = now()")


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("governance_policy_versions", "application_instance_id, governance_policy_id, number, digest, policy_rules"),
        (
            "llm_output_versions",
            "application_instance_id, llm_output_id, certification_id, version_number, output_content",
        ),
    ],
)
def test_a_version_number_is_given_once(fortress, table, columns):
    copy = f"INSERT INTO runcible.{table} (id, {columns}) SELECT gen_random_uuid(), {columns} FROM runcible.{table}"
    with fortress.as_role("app") as connection, pytest.raises(errors.UniqueViolation):
        connection.execute(copy)


def test_numbers_come_from_a_row_that_the_signer_cannot_touch(fortress):
    with fortress.as_role("signer") as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute("UPDATE runcible.certification_counters SET last_number = last_number + 1")


def test_the_model_knows_the_same_statuses(app):
    assert {status for way in ALLOWED for status in way} == set(STATUSES)
    rows = as_superuser("SELECT from_status, to_status FROM runcible.certification_transitions")
    assert {tuple(row) for row in rows} == ALLOWED
