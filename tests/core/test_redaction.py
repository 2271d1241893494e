"""The second wall before the log: named fields only, and in their texts nothing that looks like a secret."""

from __future__ import annotations

import pytest

from app.core.ids import new_token
from app.core.redaction import LEFT_OUT, PLAIN, TEXTS, redact, without_secrets
from tests.structure import sources

SECRETS = {
    "a key": "ovk_live_" + new_token(),
    "a header": "Bearer abcdefgh12345678",
    "a basic header": "basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
    "a cookie": "__Host-sid=" + new_token(),
    "a token": "x9A" + "bC3-" * 10,
    "a JSON Web Token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig-na_ture",
    "a password in an address": "somebody:secret",
    "an e-mail address": "alice.a+b@acme.example",
    "a card": "4111111111111111",
    "a card with spaces": "5500 0055 5555 5559",
    "a card with hyphens": "3400-000000-00009",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_what_looks_like_a_secret_is_left_out(kind):
    secret = SECRETS[kind]
    told = without_secrets(
        f"It failed for postgresql://{secret}@host/x." if "address" in kind else f"It failed: {secret}."
    )
    assert secret not in told
    assert LEFT_OUT in told
    assert told.startswith("It failed")


@pytest.mark.parametrize(
    "text",
    [
        "6b67e8ce-3ced-476b-953a-13d1349fd603",
        "2026-11-26T11:45:18.197774Z",
        "the order 4111111111111112 is no card",
        "RC-2026-000123",
        '  File "/srv/oversing/app/web/errors.py", line 917, in full_dispatch_request',
        "UniqueViolation: 23505 tasks application_instances_slug_is_unique_and_long",
        "a" * 64,
    ],
)
def test_everything_else_stays_as_it_is(text):
    assert without_secrets(text) == text


def test_a_field_that_nobody_has_named_is_left_out():
    entry = redact(None, "info", {"event": "request", "status": 200, "body": "secret", "error": "sid=abc def"})
    assert entry == {"event": "request", "status": 200, "body": LEFT_OUT, "error": f"{LEFT_OUT} def"}


def test_the_sentence_of_a_library_is_read_too():
    assert (
        redact(None, "info", {"event": "Invalid token Bearer abcdefgh12345678"})["event"] == f"Invalid token {LEFT_OUT}"
    )


def test_every_field_that_our_code_logs_is_named():
    logged = {
        (sources.name_of(path), word.arg)
        for path in sources.files("app")
        for call in sources.calls(sources.tree(path))
        if sources.called(call).startswith("log.")
        for word in call.keywords
        if word.arg not in (None, "exc_info")
    }
    assert len(logged) > 10
    assert {each for each in logged if each[1] not in PLAIN | TEXTS} == set()
