"""The page that explains access: the question by an ordinary form, the answer in words."""

from __future__ import annotations

import re

from app.queries.access import grants_reaching
from tests.cast import join
from tests.factories import a_grant, a_group, a_program, a_task


def ask(door, person, permission, thing="", **more):
    return door.get(
        "/access", query_string={"user_id": person.user_id, "permission": permission, "thing": thing} | more
    )


def words(page) -> str:
    """What is read on a page, without its menus."""
    answer = page.text.partition('id="answer"')[2]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer))


def test_the_answer_names_role_group_and_the_program_above(form, alice, acme, bob):
    top = a_program(alice, name="Top")
    task = a_task(alice, a_program(alice, parent_id=top.id))
    dora = join(acme, "dora")
    a_group(acme, dora, name="Inner", inside=a_group(acme, name="Outer"))
    a_grant(alice, "member", dora, program_id=top.id)
    page = ask(form(alice), dora, "task.update", str(task.id))
    told = words(page)
    assert f'value="{alice.task(task.id).number}"' in page.text
    assert "Yes: Dora may" in told
    assert "inherited from the program above, Top" in told
    assert "given to this person by Alice" in told
    assert alice.sees(grants_reaching, dora.user_id, program_id=top.id)


def test_a_refusal_says_what_is_lacking_and_what_would_do(form, alice, carol):
    task = a_task(alice)
    page = ask(form(alice), carol, "task.update", str(task.id))
    assert page.status_code == 200
    told = words(page)
    assert "No: Carol may not" in told
    assert "none of them includes this: Edit tasks" in told
    assert "Member can be given here by Alice" in told


def test_a_refused_page_leads_to_the_reason(form, alice, carol):
    task = a_task(alice)
    refused = form(carol).get(f"/tasks/{task.id}/edit")
    assert refused.status_code == 403
    address = re.search(r'href="/o/[^/]+(/access\?[^"]+)"', refused.text)[1].replace("&amp;", "&")
    assert "none of them includes this: Edit tasks" in words(form(carol).get(address))


def test_what_cannot_be_answered_is_said_at_its_field(form, alice, acme, bob, mallory):
    door = form(alice)
    for page, field in (
        (ask(door, bob, "task.view", "NOWHERE-1"), "thing"),
        (ask(door, bob, "task.view", str(a_program(mallory).id)), "thing"),
        (ask(door, mallory, "task.view"), "user_id"),
        (ask(door, bob, "task.fly"), "permission"),
        (ask(door, bob, "task.view", api_key_id="x"), "api_key_id"),
    ):
        assert page.status_code == 422
        assert f'id="f-{field}-wrong"' in page.text or f'href="#f-{field}"' in page.text
        assert 'id="answer"' not in page.text


def test_a_key_can_be_chosen_by_who_may_see_it(form, alice, carol):
    alice.key_with("task.view")
    assert 'id="f-api_key_id"' in ask(form(alice), alice, "task.update").text
    assert 'id="f-api_key_id"' not in ask(form(carol), alice, "task.update").text


def test_a_person_has_the_question_on_their_page(form, alice, bob):
    assert f"/access?user_id={bob.user_id}" in form(alice).get(f"/people/{bob.user_id}").text
