"""A dump of everything that the audit trail holds, read as a superuser, names nobody and quotes nothing."""

from __future__ import annotations

import json

from app.commands.api_keys import create_api_key
from app.commands.certifications import revoke_certification
from app.schemas.certifications import Revocation
from app.schemas.tenants import NewApiKey
from tests.cast import PASSWORD
from tests.core.rooms import inside, scalar
from tests.factories import HONEST, settle
from tests.trail import as_superuser

CANARIES = {
    "the name of a task": "canary-alpha",
    "what a task is about": "canary-bravo",
    "a comment": "canary-charlie",
    "what a program is about": "canary-delta",
    "certified text": "canary-echo",
    "what the model was asked": "canary-foxtrot",
    "why a certificate was revoked": "canary-golf",
    "what a version changed": "canary-hotel",
    "a browser": "canary-india",
}
AUDIT = ("audit.audit_events", "audit.certification_audit_log", "audit.audit_chain", "audit.audit_event_keys")
RUNCIBLE = ("runcible.certifications", "runcible.llm_outputs", "runcible.llm_output_versions")


def test_a_dump_holds_none_of_the_words_and_none_of_the_people(alice, bob, form, api):
    live_a_little(alice, bob, form, api)
    with inside(alice.organisation):  # the words did arrive: else this test would say nothing
        assert scalar("SELECT count(*) FROM tasks WHERE name = :name", name=CANARIES["the name of a task"]) == 1
        assert scalar("SELECT count(*) FROM task_comments WHERE body = :body", body=CANARIES["a comment"]) == 1
    trail = dumped(*AUDIT)
    assert len(trail) > 10_000
    personal = ("alice@", "bob@", '"Alice"', '"Bob"', "203.0.113.7", "127.0.0.1", "198.51.100.77", alice.api_key)
    assert [word for word in (*CANARIES.values(), *personal, PASSWORD) if word in trail] == []
    certified = dumped(*RUNCIBLE)
    assert [what for what in ("certified text", "what the model was asked") if CANARIES[what] in certified] == []


def live_a_little(alice, bob, form, api):
    """Do everything that the product can do with words in it."""
    page, program = form(alice), api(alice)
    page.headers = {"User-Agent": CANARIES["a browser"], "X-Forwarded-For": "198.51.100.77"}
    made = program.create_program(key="WORDS", name="Words", description=CANARIES["what a program is about"])
    task = {"name": CANARIES["the name of a task"], "description": CANARIES["what a task is about"]}
    task_id = program.create_task(program_id=made.json["data"]["id"], **task).json["data"]["id"]
    assert page.update_task(task_id, description=f"{CANARIES['what a task is about']} and more").status_code < 400
    assert page.comment_on_task(task_id, body=CANARIES["a comment"]).status_code == 303
    assert page.assign_task(task_id, user_id=bob.user_id).status_code == 303
    first = certify(program, alice, task_id, "Guaranteed returns! Write to bob@acme.example.")
    second = certify(
        program,
        alice,
        task_id,
        HONEST,
        parent_certification_id=first,
        change_summary=CANARIES["what a version changed"],
    )
    assert page.get(f"/certifications/{second}").status_code == 200
    revoke_certification(alice.actor, second, Revocation(reason=CANARIES["why a certificate was revoked"]))
    settle(alice)
    create_api_key(alice.actor, NewApiKey(user_id=alice.user_id, name="Robot", scopes=("*",)))
    assert page.delete_task(task_id).status_code == 303


def certify(program, player, task_id, text, **more):
    answer = program.request_certification(
        task_id,
        output_content=f"{CANARIES['certified text']} {text}",
        llm_provider="anthropic",
        model_name="claude-sonnet-4-5",
        input=CANARIES["what the model was asked"],
        governance_policy_id=player.organisation.policies["general"],
        **more,
    )
    assert answer.status_code == 201, answer.json
    settle(player)
    return answer.json["data"]["id"]


def dumped(*tables):
    """Every column of every row, as text, with bytes both as they are and as text."""
    rows = [row for table in tables for row in as_superuser(f"SELECT to_jsonb(t) AS row FROM {table} AS t")]
    texts = [json.dumps(row.row, ensure_ascii=False) for row in rows]
    payloads = as_superuser(
        "SELECT convert_from(payload, 'UTF8') AS text FROM runcible.certifications WHERE payload IS NOT NULL"
    )
    return "\n".join(texts + ([each.text for each in payloads] if "runcible.certifications" in tables else []))
