"""Certifications through the API: verify, versions, audit, and keys that make a request safe to repeat."""

from __future__ import annotations

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Event

import pytest

from app.commands.certifications import request_certification
from app.core import idempotency, sealing, tenancy
from app.core.database import db, fresh_session
from app.core.idempotency import once
from app.core.paging import Paging
from app.models.certifications import Certification
from app.queries.certifications import CertificationFilters, list_certifications
from runcible.canonical import canonical_json
from tests.factories import BOASTFUL, HONEST, a_certification, a_request, a_task, settle
from tests.trail import custody

CHECKS = ["form", "seal", "signature", "second_signature", "keys", "content", "timestamp", "inclusion", "policy",
          "status", "expiry"]  # fmt: skip


def body(player, **given):
    return {
        "output_content": HONEST,
        "llm_provider": "anthropic",
        "model_name": "claude-sonnet-4-5",
        "input": "How do I cancel?",
        "governance_policy_id": str(player.organisation.policies["general"]),
    } | given


def made_so_far(player):
    return len(player.sees(list_certifications, CertificationFilters(), Paging()).rows)


def outcomes(answer):
    assert answer.status_code == 200
    assert [check["name"] for check in answer.json["data"]["checks"]] == CHECKS
    return {check["name"]: check["outcome"] for check in answer.json["data"]["checks"]}


def test_a_request_is_answered_at_once_and_the_verdict_follows_at_its_address(api, alice):
    answer = api(alice).send("POST", "/certifications", body(alice))
    assert answer.status_code == 201
    made = answer.json["data"]
    assert answer.headers["Location"] == f"/api/v1/certifications/{made['id']}"
    assert (made["certification_status"], made["certification_number"], made["evaluation"]) == ("pending", None, None)
    settle(alice)
    decided = api(alice).get(f"/certifications/{made['id']}")
    told = decided.json["data"]
    assert (told["certification_status"], told["action_state"]) == ("certified", "certified")
    assert told["output_hash"] == hashlib.sha256(HONEST.encode()).hexdigest()
    assert {rule["verdict"] for rule in told["evaluation"]["rules"]} <= {"pass", "not_applicable"}
    assert "no-store" in decided.headers["Cache-Control"]


def test_a_rejection_names_the_rules_and_where_they_point(api, alice):
    told = api(alice).get(f"/certifications/{a_certification(alice, output_content=BOASTFUL)}").json["data"]
    assert told["certification_status"] == "rejected"
    (rule,) = [rule for rule in told["evaluation"]["rules"] if rule["id"] == "no-promises"]
    assert rule["verdict"] == "fail"
    marked = [BOASTFUL[each["start"] : each["end"]] for each in rule["findings"]]
    assert marked == ["guaranteed returns", "risk-free"]


def test_a_certificate_passes_every_check(api, alice):
    answer = api(alice).verify_certification(a_certification(alice))
    assert {name: told for name, told in outcomes(answer).items() if told != "pass"} == {"inclusion": "unknown"}
    assert (answer.json["data"]["valid"], answer.json["data"]["authentic"]) == (True, True)


def test_a_check_names_who_issued_it_and_under_which_number_somebody_asked(api, alice):
    told = api(alice).verify_certification(a_certification(alice)).json["data"]
    organisation = alice.organisation
    assert told["issuer"] == {"id": str(organisation.id), "name": organisation.name, "slug": organisation.slug}
    assert told["requested_by"] == f"user:{alice.user_id}"


def test_the_statement_names_no_person(api, alice):
    bundle = api(alice).get(f"/certifications/{a_certification(alice)}/bundle").get_json(force=True)
    statement = base64.b64decode(bundle["envelope"]["payload"]).decode()
    assert f"user:{alice.user_id}" in statement
    assert alice.actor.name not in statement
    assert alice.actor.email not in statement


def test_a_rejection_is_an_honest_record_but_nothing_to_act_on(api, alice):
    answer = api(alice).verify_certification(a_certification(alice, output_content=BOASTFUL))
    assert outcomes(answer)["status"] == "fail"
    assert (answer.json["data"]["valid"], answer.json["data"]["authentic"]) == (False, True)


def test_erased_content_is_unknown_and_no_failure(api, alice):
    certification_id = a_certification(alice)
    with tenancy.entered(db.session, alice.organisation.id):
        sealing.erase(alice.organisation.id, f"certification:{certification_id}")
        db.session.commit()
    told = api(alice).verify_certification(certification_id)
    assert (told.json["data"]["valid"], told.json["data"]["authentic"]) == (False, True)
    assert {name: outcome for name, outcome in outcomes(told).items() if outcome != "pass"} == {
        "content": "unknown", "inclusion": "unknown"}  # fmt: skip
    (content,) = [check for check in told.json["data"]["checks"] if check["name"] == "content"]
    assert content["detail"] == "The content was erased; the record of it stands."


def test_what_has_no_verdict_yet_cannot_be_verified(api, alice):
    answer = api(alice).verify_certification(a_certification(alice, settled=False))
    assert answer.status_code == 409
    assert answer.json["error"]["code"] == "CONFLICT"


def test_versions_are_told_newest_first(api, alice):
    first = a_certification(alice, output_content=BOASTFUL)
    second = a_certification(alice, parent_certification_id=first, change_summary="Promises nothing")
    for each in (first, second):
        rows = api(alice).get(f"/certifications/{each}/versions").json["data"]
        assert [(row["version_number"], row["certification_id"], row["certification_status"]) for row in rows] == [
            (2, str(second), "certified"),
            (1, str(first), "rejected"),
        ]
        assert [row["change_summary"] for row in rows] == ["Promises nothing", ""]
        assert [row["parent_certification_id"] for row in rows] == [str(first), None]


def test_every_entry_of_the_chain_of_custody_holds_the_hash_of_the_one_before(api, alice):
    certification_id = a_certification(alice)
    api(alice).get(f"/certifications/{certification_id}")
    entries = api(alice).get(f"/certifications/{certification_id}/audit").json["data"]
    assert [entry["event_type"] for entry in entries] == [
        "created", "judged", "signed", "timestamped", "certified", "viewed"]  # fmt: skip
    assert [entry["sequence"] for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert entries[0]["previous_hash"] is None
    for before, after in pairwise(entries):
        assert after["previous_hash"] == before["hash"]


def test_the_hashes_are_those_of_what_the_database_holds(alice):
    previous = None
    for row in custody(a_certification(alice)):
        entry = {
            "application_instance_id": str(row.application_instance_id),
            "certification_id": str(row.certification_id),
            "sequence": row.sequence,
            "event_type": row.event_type,
            "event_data": row.event_data,
            "user_id": row.user_id,
            "ip_address": None if row.ip_address is None else str(row.ip_address),
            "user_agent": row.user_agent,
        }
        assert row.previous_hash == previous
        assert row.hash == hashlib.sha256(b"\x01" + (previous or b"") + canonical_json(entry)).digest()
        previous = row.hash


def test_the_same_request_under_the_same_key_makes_one_certification(api, alice):
    answers = [api(alice).send("POST", "/certifications", body(alice), Idempotency_Key="k-1") for _again in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.json["data"]["id"] for answer in answers}) == 1
    assert made_so_far(alice) == 1
    settle(alice)
    later = api(alice).send("POST", "/certifications", body(alice), Idempotency_Key="k-1")
    assert later.json["data"]["id"] == answers[0].json["data"]["id"]
    assert later.json["data"]["certification_status"] == "certified"
    assert made_so_far(alice) == 1


def test_another_body_under_the_same_key_is_refused(api, alice):
    api(alice).send("POST", "/certifications", body(alice), Idempotency_Key="k-1")
    answer = api(alice).send("POST", "/certifications", body(alice, model_name="another"), Idempotency_Key="k-1")
    assert answer.status_code == 422
    assert answer.json["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert answer.json["error"]["details"][0]["field"] == "Idempotency-Key"
    assert made_so_far(alice) == 1


def test_while_the_first_request_is_in_flight_the_second_is_told_to_wait(web_app, api, alice):
    """Two connections to the database: the first holds the key and has not committed when the second comes."""
    door, wanted = api(alice), body(alice)
    raw = door.client.application.json.dumps(wanted).encode()
    begun, finish = Event(), Event()

    def slowly():
        with web_app.app_context(), fresh_session():
            request = idempotency.Request.of("k-1", "POST", "/api/v1/certifications", raw)

            def operation():
                made = request_certification(alice.actor, a_request(alice))
                begun.set()
                assert finish.wait(30)
                return made

            return once(alice.actor, request, Certification, operation).id

    def send():
        headers = {"Idempotency-Key": "k-1", "Content-Type": "application/json"}
        return door.client.post("/api/v1/certifications", data=raw, headers=door.headers | headers)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(slowly)
        assert begun.wait(30)
        try:
            waiting = send()
        finally:
            finish.set()
        made = first.result()
    assert waiting.status_code == 409
    assert waiting.json["error"]["code"] == "REQUEST_IN_PROGRESS"
    assert int(waiting.headers["Retry-After"]) >= 1
    assert send().json["data"]["id"] == str(made)
    assert made_so_far(alice) == 1


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/programs", {"key": "OPS", "name": "Operations"}),
        ("/tasks", {"name": "Feed the cat"}),
        ("/tasks/{task}/comments", {"body": "Nearly."}),
    ],
)
def test_whatever_is_made_may_be_asked_for_twice(api, alice, path, given):
    task = a_task(alice)
    given = given | ({"program_id": str(task.program_id)} if path == "/tasks" else {})
    first, second = (
        api(alice).send("POST", path.format(task=task.id), given, Idempotency_Key="k-1") for _each in range(2)
    )
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json["data"] == second.json["data"]


def test_a_key_is_one_persons_own(api, alice, bob):
    task = a_task(alice)
    wanted = {"program_id": str(task.program_id), "name": "Feed the cat"}
    ids = {
        api(person).send("POST", "/tasks", wanted, Idempotency_Key="k-1").json["data"]["id"] for person in (alice, bob)
    }
    assert len(ids) == 2
