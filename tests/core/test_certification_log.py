"""The chain of custody: each entry carries the hash of the one before it, also where several write at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.commands.certifications import happened
from app.core.certification_log import VERSION, link
from app.core.database import db, fresh_session
from app.core.permissions import fetch
from app.core.transaction import command
from app.models.certifications import Certification
from tests.factories import a_certification
from tests.trail import custody


@command
def note(actor, certification_id, event, **data):
    certification = fetch(actor, Certification, certification_id, "certification.view", lock=True)
    happened(actor, certification, event, data, visible=False)


def entry_of(row):
    return {
        "application_instance_id": str(row.application_instance_id),
        "certification_id": str(row.certification_id),
        "sequence": row.sequence,
        "event_type": row.event_type,
        "event_data": row.event_data,
        "user_id": row.user_id,
        "ip_address": str(row.ip_address) if row.ip_address is not None else None,
        "user_agent": row.user_agent,
    }


def assert_links(rows):
    previous = None
    for number, row in enumerate(rows, start=1):
        assert (row.sequence, row.previous_hash) == (number, previous)
        assert row.hash == link(previous, entry_of(row)), f"entry {number} does not carry its own hash"
        previous = row.hash


def test_the_life_of_a_certification_is_one_chain(alice):
    certification_id = a_certification(alice)
    rows = custody(certification_id)
    assert [row.event_type for row in rows] == ["created", "judged", "signed", "timestamped", "certified"]
    assert_links(rows)


def test_a_chain_can_be_recomputed_from_what_a_stranger_is_shown(alice):
    """The formula that the docstring promises, written out once more."""
    import hashlib  # noqa: PLC0415

    import rfc8785  # noqa: PLC0415

    previous = b""
    for row in custody(a_certification(alice)):
        assert VERSION == b"\x01"
        assert row.hash == hashlib.sha256(b"\x01" + previous + rfc8785.dumps(entry_of(row))).digest()
        previous = row.hash


@pytest.mark.parametrize("field", ["event_type", "event_data", "user_id", "ip_address", "user_agent", "sequence"])
def test_a_changed_entry_does_not_carry_its_hash_any_more(alice, field):
    first = custody(a_certification(alice, settled=False))[0]
    entry = entry_of(first)
    changed = entry | {field: "something else"}
    assert link(None, entry) == first.hash
    assert link(None, changed) != first.hash


def test_ten_who_write_at_once_make_one_chain(web_app, alice):
    certification_id = a_certification(alice, settled=False)
    start = threading.Barrier(5, timeout=20)

    def write(number):
        with web_app.app_context(), fresh_session():
            start.wait()
            for each in range(4):
                note(alice.actor, certification_id, f"viewed-{number}-{each}")

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(write, range(5)))
    rows = custody(certification_id)
    assert len(rows) == 21
    assert_links(rows)


def test_browser_and_address_are_kept_so_that_they_name_nobody(alice):
    row = custody(a_certification(alice, settled=False))[0]
    assert row.user_agent.startswith("v1.")
    assert str(row.ip_address) == "203.0.113.0/24"


def test_what_was_rolled_back_is_not_in_the_chain(alice):
    certification_id = a_certification(alice, settled=False)

    @command
    def note_and_fail(actor):
        note(actor, certification_id, "never")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        note_and_fail(alice.actor)
    db.session.rollback()
    note(alice.actor, certification_id, "then")
    rows = custody(certification_id)
    assert [row.event_type for row in rows] == ["created", "then"]
    assert_links(rows)
