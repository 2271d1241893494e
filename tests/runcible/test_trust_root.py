"""The trust root is read whole or not at all."""

import json
from datetime import timedelta

import pytest

from runcible.certification.trust_root import TrustRoot
from runcible.errors import KeyNotValid, KeyUnknown


def test_it_is_read_as_it_was_written(trust_root):
    assert TrustRoot.from_bytes(trust_root.bytes) == trust_root


def test_an_answer_of_the_api_may_be_saved_as_it_came(trust_root):
    wrapped = json.dumps({"data": trust_root.document, "links": {}}, indent=2).encode()
    assert TrustRoot.from_bytes(wrapped) == trust_root


def change(document, path, value):
    *parents, last = path
    for part in parents:
        document = document[part]
    document[last] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["mediaType"], "application/json"),
        (["keys"], []),
        (["keys"], None),
        (["keys"], {"0": {}}),
        (["keys", 0], 5),
        (["keys", 0, "keyid"], "0" * 64),
        (["keys", 0, "algorithm"], "ECDSA-P256-SHA256"),
        (["keys", 0, "public_key"], "nonsense"),
        (["keys", 0, "public_key"], 5),
        (["keys", 0, "valid_from"], "2026-11-22"),
        (["keys", 0, "valid_from"], "0001-01-01T00:00:00.000000Z"),
        (["keys", 0, "valid_from"], None),
        (["keys", 0, "state"], "lost"),
        (["keys", 0, "state"], "compromised"),
        (["keys", 0, "compromised_at"], "2026-11-22T12:00:00.000000Z"),
        (["timestamp_authorities"], None),
        (["timestamp_authorities", 0, "built_in"], "no"),
        (["timestamp_authorities", 0, "certificates"], []),
        (["timestamp_authorities", 0, "certificates", 0], "nonsense"),
    ],
    ids=str,
)
def test_a_garbled_one_is_refused(trust_root, path, value):
    document = trust_root.document
    change(document, path, value)
    with pytest.raises(KeyNotValid):
        TrustRoot.from_bytes(json.dumps(document).encode())


def test_a_key_named_twice_is_refused(trust_root):
    document = trust_root.document
    document["keys"].append(document["keys"][0])
    with pytest.raises(KeyNotValid):
        TrustRoot.from_bytes(json.dumps(document).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"data":{}}', b"\xff", b"{" * 100, b'{"a":1,"a":1}'], ids=str)
def test_anything_else_is_no_trust_root(data):
    with pytest.raises(KeyNotValid):
        TrustRoot.from_bytes(data)


def test_an_unknown_key_is_told(trust_root):
    with pytest.raises(KeyUnknown):
        trust_root.key("0" * 64)


def test_a_key_is_added_once(trust_root, strangers_ring):
    stranger = strangers_ring.trust_root.keys[0]
    more = trust_root.with_key(stranger)
    assert more.key(stranger.keyid) == stranger
    with pytest.raises(KeyNotValid):
        more.with_key(stranger)


def test_a_retired_key_stays_in_it(trust_root, noon):
    keyid = trust_root.keys[0].keyid
    later = trust_root.with_key_retired(keyid, noon)
    assert (later.key(keyid).state, later.key(keyid).valid_until) == ("retired", noon)
    assert TrustRoot.from_bytes(later.bytes) == later
    assert later.key(keyid).was_in_use(noon)
    assert not later.key(keyid).was_in_use(noon + timedelta(seconds=1))


def test_a_compromised_key_says_since_when(trust_root, noon):
    later = trust_root.with_key_compromised(trust_root.keys[0].keyid, noon)
    assert TrustRoot.from_bytes(later.bytes).keys[0].compromised_at == noon
