"""Every byte of a bundle is covered, and only its canonical form is one."""

import base64
import functools
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runcible.canonical import canonical_json
from runcible.certification import bundle, case, dsse
from runcible.certification.verifier import verify_bundle
from runcible.content import Output
from runcible.errors import BundleInvalid, SignatureInvalid, TimestampInvalid

PARTS_OF_THE_FILE = 4


def refused(data, trust_root, noon, **more):
    report = verify_bundle(data, trust_root, noon, **more)
    assert not report.ok
    assert not report.authentic
    return report


@pytest.fixture
def each_token_once(monkeypatch, trust_root):
    """Look at a token once for each message that it is said to be about: of the same bytes it finds the same."""
    look = functools.cache(functools.partial(case.verify_timestamp, trust_root=trust_root))
    monkeypatch.setattr(case, "verify_timestamp", lambda token, message, _trust_root: look(token, message))


@pytest.mark.usefixtures("each_token_once")
@pytest.mark.parametrize("part", range(PARTS_OF_THE_FILE))
def test_every_changed_byte_is_refused(certified, trust_root, noon, part):
    data = certified.data
    assert verify_bundle(data, trust_root, noon).ok
    for place in range(part, len(data), PARTS_OF_THE_FILE):
        bit = 1 << place % 7  # of ASCII stays ASCII: most changes still are readable JSON
        refused(data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :], trust_root, noon)


@pytest.mark.usefixtures("each_token_once")
def test_every_missing_or_added_byte_is_refused(certified, trust_root, noon):
    data, chosen = certified.data, random.Random(7)
    for place in chosen.sample(range(len(data)), 200):
        refused(data[:place] + data[place + 1 :], trust_root, noon)
        refused(data[:place] + data[place : place + 1] + data[place:], trust_root, noon)
        refused(data[:place] + b" " + data[place:], trust_root, noon)
    for wrong in (data + b"\n", b"\n" + data, b"\xef\xbb\xbf" + data, data * 2, data[:-1], b"", data[:100]):
        refused(wrong, trust_root, noon)


def test_a_json_content_with_every_kind_of_number_is_covered_too(certify, trust_root, noon):
    made = certify(Output.of_json({"a": [0.1, -1e-7, 1e300 / 1e290, 5e-324, 0, "\u00e9\n"], "\ue000": None}))
    assert verify_bundle(made.data, trust_root, noon).ok
    place = made.data.index(b'"json"')
    for offset in range(60):
        changed = bytearray(made.data)
        changed[place + offset] ^= 1
        refused(bytes(changed), trust_root, noon)


def other_spellings(document):
    yield json.dumps(document).encode()
    yield json.dumps(document, separators=(",", ":")).encode()  # keys in another order
    yield json.dumps(document, separators=(",", ":"), sort_keys=True, indent=1).encode()
    yield canonical_json(document).replace(b'"version":1', b'"version":1.0')
    yield canonical_json(document).replace(b'"version":1', b'"version":1e0')
    yield canonical_json(document).replace(b"sky", b"\\u0073ky")
    yield canonical_json(document)[:-1] + b',"log":null}'
    yield canonical_json(document)[:-1] + b',"zzz":null}'


def test_another_spelling_of_the_same_is_refused(certified, trust_root, noon):
    document = json.loads(certified.data)
    for spelling in other_spellings(dict(reversed(document.items()))):
        assert spelling != certified.data
        refused(spelling, trust_root, noon)


def places(document, path=()):
    yield path
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, value in inner:
        yield from places(value, (*path, name))


def replaced(document, path, value):
    if not path:
        return value
    copy = document.copy()
    copy[path[0]] = replaced(document[path[0]], path[1:], value)
    return copy


STRANGE = [None, 0, 1, -1, True, "", "x", "\u20ac", [], [[]], {}, {"a": []}, 0.5, 2**53 - 1, "0" * 64, ["x", 5, {}]]


@pytest.fixture(scope="module")
def document(certified):
    return json.loads(certified.data)


@pytest.fixture(scope="module")
def statement_document(certified):
    return json.loads(certified.envelope.payload)


@pytest.mark.usefixtures("each_token_once")
def test_any_part_replaced_by_anything_is_refused(certified, document, trust_root, noon):
    for path in places(document):
        for value in STRANGE:
            data = canonical_json(replaced(document, path, value))
            without_content = path == ("content",) and value is None  # may be: see the tests below
            if data != certified.data and not without_content:
                refused(data, trust_root, noon)


@pytest.mark.usefixtures("each_token_once")
def test_any_part_of_the_statement_replaced_by_anything_is_refused(document, statement_document, trust_root, noon):
    for path in places(statement_document):
        for value in STRANGE:
            changed = replaced(statement_document, path, value)
            if canonical_json(changed) == canonical_json(statement_document):
                continue
            payload = base64.b64encode(canonical_json(changed)).decode()
            refused(canonical_json(replaced(document, ("envelope", "payload"), payload)), trust_root, noon)


@given(data=st.binary(max_size=300) | st.text().map(str.encode))
def test_rubbish_is_refused(trust_root, noon, data):
    assert refused(data, trust_root, noon).checks[0].verdict == "fail"


def test_the_content_may_stay_at_home_and_be_handed_in(certified, trust_root, noon):
    without = bundle.assemble(certified.parts, certified.seal, None)
    report = verify_bundle(without, trust_root, noon)
    assert not report.ok
    assert {check.name: check.verdict for check in report.checks}["content"] == "unknown"
    assert verify_bundle(without, trust_root, noon, content=certified.output.bytes).ok
    refused(without, trust_root, noon, content=certified.output.bytes + b"!")


def test_json_may_be_handed_in_with_any_spelling(certify, trust_root, noon):
    made = certify(Output.of_json({"b": 1, "a": 2.5}), with_content=False)
    assert verify_bundle(made.data, trust_root, noon, content=b'{ "a": 2.50, "b": 1 }').ok
    for wrong in (b'{"a":2.5}', b'{"a":2.5,"b":1,"b":1}', b"\xff", b"", b'{"a":2.5,"b":"1"}'):
        refused(made.data, trust_root, noon, content=wrong)


def test_content_handed_in_must_agree_with_the_content_inside(certified, trust_root, noon):
    refused(certified.data, trust_root, noon, content=b"something else")


def test_what_was_put_together_is_read_back(certified):
    read = bundle.read(certified.data)
    assert read.envelope == certified.envelope
    assert read.output == certified.output
    assert read.timestamps == certified.parts.timestamps
    assert read.status == certified.parts.status
    assert read.statement.evaluation == certified.evaluation
    assert read.seal == certified.seal
    assert bundle.Seal.from_document(json.loads(json.dumps(certified.seal.document))) == certified.seal
    assert dsse.Envelope.from_document(json.loads(certified.envelope.bytes)) == certified.envelope


def test_signing_again_gives_the_same_bundle(certified, ring):
    again = ring.signer.sign(certified.envelope.payload)
    assert again == certified.envelope
    assert ring.signer.seal(certified.parts) == certified.seal


def test_the_pre_authentication_encoding_is_that_of_dsse():
    assert dsse.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_nothing_incomplete_is_sealed(certify, load_policy, rules_with, rule):
    with pytest.raises(TimestampInvalid):
        certify(stamp=False)
    wanted = {"time_to_live_days": 1, "signatures": ["Ed25519"], "timestamp": "required"}
    with pytest.raises(SignatureInvalid, match="Ed25519"):
        certify(policy=load_policy(rules_with(rule(), certificate=wanted)))


def test_parts_that_do_not_belong_together_are_not_put_together(certified):
    with pytest.raises(BundleInvalid):
        bundle.assemble(
            bundle.Parts(
                dsse.Envelope(b"no statement", certified.envelope.signatures),
                (),
                certified.policy,
                certified.parts.trust_root,
                certified.parts.status,
            ),
            certified.seal,
            certified.output,
        )


@pytest.mark.parametrize(
    "text", ["QQ", "QQ=", "QR==", "QQ==\n", " QQ==", "QQ===", "Q-==", "QQ==QQ==", 5, None], ids=repr
)
def test_base64_has_one_spelling(text):
    with pytest.raises(BundleInvalid):
        dsse.Signature.from_document({"keyid": "0" * 64, "sig": text})


def test_the_file_is_named_for_its_number():
    assert bundle.file_name("RC-2026-0000000042-Y") == "RC-2026-0000000042-Y.rcb.json"
