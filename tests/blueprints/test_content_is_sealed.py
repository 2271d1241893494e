"""Certified words stand nowhere in the database, and personal words nowhere in the audit trail."""

from __future__ import annotations

import base64
import secrets

import pytest

from app.commands import tenants
from app.commands.tasks import update_task
from app.core import sealing, tenancy
from app.core.database import db
from app.schemas.tasks import TaskChanges
from app.schemas.tenants import NewMember
from tests import stage
from tests.cast import PASSWORD, afresh, found, system
from tests.factories import a_program, a_task, settle


def tables_that_hold(words, schemas=("public", "runcible", "audit")):
    """The tables in which `words` stand, in any column: as they are, in base64, or as the bytes of a bytea."""
    raw = words.encode()
    thirds = [base64.b64encode(bytes(shift) + raw)[4 * (shift > 0) : -4].decode() for shift in range(3)]
    patterns = [f"%{each}%" for each in (words, raw.hex(), *(third[2:-2] for third in thirds))]
    with stage.superuser(str(db.engine.url.database)) as connection:
        names = connection.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace::regnamespace::text = ANY(%s) ORDER BY 1",
            [list(schemas)],
        ).fetchall()
        search = "SELECT 1 FROM {} AS r WHERE r::text LIKE ANY(%s) LIMIT 1"
        return [name for (name,) in names if connection.execute(search.format(name), [patterns]).fetchone()]


@pytest.fixture
def words():
    return f"zeppelin-{secrets.token_hex(12)}"


def test_the_search_itself_finds_what_is_there(alice, words):
    in_base64 = base64.b64encode(f"x{words}x".encode()).decode()
    for description in (words, f"Encoded: {in_base64}", words.encode().hex()):
        task = a_task(alice, description="")
        assert tables_that_hold(words) == []
        update_task(alice.actor, task.id, TaskChanges(description=description))
        assert tables_that_hold(words) == ["tasks"]
        update_task(alice.actor, task.id, TaskChanges(description=""))
    assert tables_that_hold(f"not-{words}") == []


@pytest.mark.parametrize("shape", ["text", "json", "rejected"])
def test_certified_words_stand_nowhere_in_the_database(api, form, alice, shape, words):
    content = {"text": f"All about {words}.", "json": {"about": words}, "rejected": f"Guaranteed returns with {words}."}
    question = f"question-{words[::-1]}"
    task = a_task(alice)
    made = api(alice).request_certification(
        task.id,
        output_content=content[shape],
        llm_provider="anthropic",
        model_name="claude-sonnet-4-5",
        input=question,
        governance_policy_id=alice.organisation.policies["general"],
    )
    settle(alice)
    certification_id = made.json["data"]["id"]
    assert words in form(alice).get(f"/certifications/{certification_id}").text
    assert words.encode() in api(alice).get(f"/certifications/{certification_id}/bundle").data
    api(alice).verify_certification(certification_id)
    assert tables_that_hold(words) == []
    assert tables_that_hold(question) == []


def test_what_people_write_about_tasks_stands_in_no_row_that_cannot_be_erased(form, alice, words):
    program = a_program(alice, description=f"Program {words}")
    task = a_task(alice, program, name=f"Name {words}", description=f"Description {words}")
    form(alice).update_task(task.id, name=f"Other {words}", description=f"Other {words}")
    form(alice).comment_on_task(task.id, body=f"Comment {words}")
    form(alice).delete_task(task.id)
    assert tables_that_hold(words, ("audit",)) == []
    assert set(tables_that_hold(words)) == {"programs", "tasks", "task_comments"}


def test_who_somebody_is_stands_in_no_row_of_the_trail(app, words):
    person = NewMember(email=f"{words}@acme.example", name=f"Dora {words}", password=PASSWORD, role="member")
    tenants.create_member(system(found("acme")), person)
    assert tables_that_hold(words) == ["users"]


def test_erasing_the_key_makes_the_words_unreadable_for_the_product_too(api, alice, words):
    made = api(alice).request_certification(
        a_task(alice).id, output_content=words, llm_provider="anthropic", model_name="claude-sonnet-4-5",
        input="Write.", governance_policy_id=alice.organisation.policies["general"],
    ).json["data"]  # fmt: skip
    settle(alice)
    with tenancy.entered(db.session, alice.organisation.id):
        sealing.erase(alice.organisation.id, f"certification:{made['id']}")
        db.session.commit()
    afresh()
    told = api(alice).get(f"/certifications/{made['id']}").json["data"]
    assert told["output_content"] is None
    assert told["output_hash"] == made["output_hash"]
    answer = api(alice).verify_certification(made["id"]).json["data"]
    assert {check["outcome"] for check in answer["checks"] if check["name"] != "content"} <= {"pass", "unknown"}
    (content,) = [check for check in answer["checks"] if check["name"] == "content"]
    assert content["outcome"] == "unknown"
