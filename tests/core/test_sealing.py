"""Sealing: what is sealed opens in its own place, with its own key, until the key is destroyed."""

from __future__ import annotations

import base64
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.core import sealing, tenancy
from app.core.database import db, fresh_session
from app.core.sealing import Erased, RecordKey, SealBroken
from tests.core.rooms import inside, scalar

PLACE = "notes.body"


@pytest.fixture
def key(acme):
    return kept(acme, "note:1")


@pytest.fixture
def another_master(web_app):
    """A process that was given the wrong key file."""
    right = sealing._master.key
    sealing.configure(os.urandom(32))
    yield
    sealing.configure(right)


def kept(organisation, subject):
    with inside(organisation):
        found = sealing.key(organisation.id, subject)
        db.session.commit()
        return found


@pytest.mark.parametrize("words", ["", "Call Mr Smith", "Grüße 👋", "x" * 100_000, "v1.a.b"])
def test_what_is_sealed_opens_again(key, words):
    token = key.seal(PLACE, words)
    assert token.startswith("v1.")
    assert words == "" or words not in token
    assert key.open(PLACE, token) == words


def test_the_same_words_never_look_the_same(key):
    assert len({key.seal(PLACE, "yes") for _time in range(100)}) == 100


def test_a_value_that_was_moved_does_not_open(acme, mallory, key):
    token = key.seal(PLACE, "Call Mr Smith")
    moved = [
        (key, "notes.title"),
        (kept(acme, "note:2"), PLACE),
        (kept(mallory.organisation, "note:1"), PLACE),
        (RecordKey(mallory.organisation.id, "note:1", key.material), PLACE),
        (RecordKey(acme.id, "note:2", key.material), PLACE),
    ]
    for where, place in moved:
        with pytest.raises(SealBroken):
            where.open(place, token)


@pytest.mark.parametrize("words", ["Mr Smith", "Mr Smith!", "Mr Smith!!"])  # base64 ends in 0, 2 and 4 unused bits
def test_a_value_of_which_any_character_was_altered_does_not_open(key, words):
    token = key.seal(PLACE, words)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for place, character in enumerate(token):
        for other in (alphabet[(alphabet.find(character) + step) % 64] for step in (1, 2, 4, 8, 16, 32)):
            if other != character:
                with pytest.raises(SealBroken):
                    key.open(PLACE, token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize(
    "change",
    [
        lambda token: "",
        lambda token: token.replace("v1", "v2"),
        lambda token: token + "=",
        lambda token: token + ".",
        lambda token: token[:-5],
        lambda token: token.replace(".", "", 1),
        lambda token: token.replace(".", ". ", 1),
        lambda token: "v1.AAAA." + token.split(".")[2],
        lambda token: "v1.." + token.split(".")[2],
        lambda token: token + "é",
        lambda token: "v1.*.*",
    ],
)
def test_what_is_no_seal_does_not_open(key, change):
    with pytest.raises(SealBroken):
        key.open(PLACE, change(key.seal(PLACE, "Call Mr Smith")))


def test_the_key_of_a_record_is_made_once_also_by_two_at_once(web_app, acme):
    def ask(_number):
        with web_app.app_context(), fresh_session(), tenancy.entered(db.session, acme.id):
            found = sealing.key(acme.id, "note:contended").material
            db.session.commit()
            return found

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(16)))) == 1


def test_keys_come_in_one_query_where_all_exist(acme, count_queries):
    subjects = [f"note:{number}" for number in range(20)]
    with inside(acme):
        sealing.keys(acme.id, subjects)
        asked = count_queries(lambda: sealing.keys(acme.id, [*subjects, *subjects]))
    assert asked == 1


def test_after_erasing_nothing_opens_and_nothing_new_is_sealed(acme, key):
    token = key.seal(PLACE, "Call Mr Smith")
    for _time in range(2):
        with inside(acme):
            sealing.erase(acme.id, "note:1")
            db.session.commit()
        erased = kept(acme, "note:1")
        assert erased.material is None
        assert erased.open(PLACE, token) is None
        assert erased.seal_or_drop(PLACE, "Call Mr Smith") is None
        with pytest.raises(Erased):
            erased.seal(PLACE, "Call Mr Smith")


def test_erasing_is_for_ever_also_for_rows_that_come_back(acme, key):
    """A row restored from a backup, or copied before, finds no key: neither by itself nor by being asked for anew."""
    token = key.seal(PLACE, "Call Mr Smith")
    with inside(acme):
        sealing.erase(acme.id, "note:1")
        db.session.commit()
        erased_at = scalar("SELECT erased_at FROM record_keys WHERE subject = 'note:1'")
    for _time in range(3):
        assert kept(acme, "note:1").open(PLACE, token) is None
    with inside(acme):
        row = db.session.execute(text("SELECT * FROM record_keys WHERE subject = 'note:1'")).one()
        assert (row.wrapped_key, row.erased_at) == (None, erased_at)


def test_what_is_erased_before_it_had_a_key_is_given_none_later(acme):
    with inside(acme):
        sealing.erase(acme.id, "note:new")
        db.session.commit()
    assert kept(acme, "note:new").material is None


def test_erasing_one_record_leaves_the_others(acme, key):
    other = kept(acme, "note:2")
    token = other.seal(PLACE, "Still here")
    with inside(acme):
        sealing.erase(acme.id, "note:1")
        db.session.commit()
    assert kept(acme, "note:2").open(PLACE, token) == "Still here"


def test_an_organisation_erases_nothing_of_another(acme, mallory, key):
    token = key.seal(PLACE, "Call Mr Smith")
    with inside(mallory.organisation):
        with pytest.raises(ProgrammingError, match="row-level security"):
            sealing.erase(acme.id, "note:1")
        db.session.rollback()
    assert kept(acme, "note:1").open(PLACE, token) == "Call Mr Smith"


def test_the_wrong_master_key_opens_nothing(acme, key, another_master):
    with inside(acme), pytest.raises(SealBroken):
        sealing.key(acme.id, "note:1")


def test_the_wrong_master_key_makes_no_new_keys_either(acme, another_master):
    with inside(acme), pytest.raises(SealBroken):
        sealing.key(acme.id, "note:brand-new")


def test_a_wrapped_key_that_was_put_in_another_ones_place_does_not_open(acme, mallory, key):
    with inside(acme):
        db.session.execute(
            text("UPDATE record_keys SET wrapped_key = :key WHERE subject = 'note:1'"),
            {"key": aes_key_wrap(os.urandom(32), os.urandom(32))},
        )
        with pytest.raises(SealBroken):
            sealing.key(acme.id, "note:1")


def test_an_organisation_without_a_key_seals_nothing(app, acme):
    with inside(acme), pytest.raises(RuntimeError, match="has no key"):
        sealing.key(type(acme.id)(int=7), "note:1")


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_master_key_has_32_bytes(length):
    with pytest.raises(ValueError, match="32 bytes"):
        sealing.configure(bytes(length))


def test_keys_are_never_stored_in_the_open(acme, key):
    with inside(acme):
        wrapped = bytes(scalar("SELECT wrapped_key FROM record_keys WHERE subject = 'note:1'"))
    assert key.material not in wrapped
    assert base64.b64encode(key.material) not in wrapped
    assert len(wrapped) == 40
