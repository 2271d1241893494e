"""Who holds a socket is looked up with what they may do now: several people together."""

from __future__ import annotations

from app.commands.access_grants import create_access_grant
from app.commands.access_roles import create_access_role
from app.commands.task_assignments import assign_task
from app.core.ids import new_secret_id
from app.queries.live_channels import channel_named, followers, heard_of, hearers, may_follow, sees_all, viewers
from app.schemas.access_grants import NewAccessGrant
from app.schemas.access_roles import NewAccessRole
from app.schemas.tasks import Assignment
from tests.cast import afresh
from tests.factories import a_certification, a_grant, a_group, a_program, a_task
from tests.security.newcomers import newcomer


def test_several_people_are_looked_up_in_one_statement(alice, bob, mallory, count_queries):
    found = {}
    people = [alice, bob, mallory]
    asked = count_queries(lambda: found.update(viewers(alice.organisation.id, [each.user_id for each in people])))
    assert asked == 1
    assert [found[each.user_id].permissions for each in (alice, bob)] == [
        alice.actor.permissions,
        bob.actor.permissions,
    ]
    assert found[mallory.user_id] is None


def test_what_people_hold_on_single_tasks_is_asked_for_together(acme, alice, count_queries):
    """Each is found to hold what they hold alone, be it by a group, and two more cost nothing more."""
    tasks = [a_task(alice).id for _number in range(2)]
    people = [newcomer(acme, None) for _number in range(4)]
    group = a_group(acme, people[1], people[2])
    for holder, role, task in (
        ({"user_id": people[0].user_id}, "viewer", tasks[0]),
        ({"user_group_id": group}, "member", tasks[0]),
        ({"user_group_id": group}, "viewer", tasks[1]),
        ({"user_id": people[2].user_id}, "reviewer", tasks[1]),
    ):
        new = NewAccessGrant(access_role_id=acme.roles[role], task_id=task, **holder)
        create_access_grant(alice.actor, new)
    afresh()
    found = {}
    ids = [each.user_id for each in people]
    few = count_queries(lambda: viewers(acme.id, ids[:1]))
    assert count_queries(lambda: found.update(viewers(acme.id, ids))) == few
    roles = acme.roles
    assert [found[user_id].on_tasks.known for user_id in ids] == [
        {tasks[0]: {roles["viewer"]}},
        {tasks[0]: {roles["member"]}, tasks[1]: {roles["viewer"]}},
        {tasks[0]: {roles["member"]}, tasks[1]: {roles["viewer"], roles["reviewer"]}},
        {},
    ]


def test_what_was_missed_is_judged_in_one_statement_however_much_it_was(acme, alice, count_queries):
    program = a_program(alice)
    seen, *others = [a_task(alice, program).id for _number in range(4)]
    dora = newcomer(acme, None)
    a_grant(alice, "viewer", dora, task_id=seen)
    mallorys = str(new_secret_id())
    afresh()
    actor = viewers(acme.id, [dora.user_id])[dora.user_id]
    afresh()
    one = count_queries(lambda: heard_of(actor, [("task", str(others[0]))]))
    afresh()
    found = set()
    things = [("task", str(each)) for each in (seen, *others)] + [("task", mallorys), ("audit_event", str(seen))]
    assert count_queries(lambda: found.update(heard_of(actor, things))) == one
    assert found == {("task", str(seen))}


def test_who_may_hear_of_a_thing_is_asked_for_all_at_once(acme, alice, bob, count_queries):
    """To each the answer is the one that they would get alone, and many cost no more than one."""
    task = a_task(alice)
    things = {"task": task.id, "program": task.program_id, "certification": a_certification(alice, task_id=task.id)}
    role = NewAccessRole(name="Own only", permissions=("task.view_own", "certification.view_own", "program.view_own"))
    own = create_access_role(alice.actor, role).id
    in_program, on_task, elsewhere, on_it, not_on_it, nothing = (newcomer(acme, None) for _number in range(6))
    things["access_grant"] = a_grant(alice, "viewer", in_program, program_id=things["program"]).id
    a_grant(alice, "viewer", on_task, task_id=things["task"])
    a_grant(alice, "viewer", elsewhere, task_id=a_task(alice).id)
    for each in (on_it, not_on_it):
        create_access_grant(alice.actor, NewAccessGrant(access_role_id=own, user_id=each.user_id))
    assign_task(alice.actor, things["task"], Assignment(user_id=on_it.user_id))
    people = (alice, bob, in_program, on_task, elsewhere, on_it, not_on_it, nothing)
    afresh()
    actors = viewers(acme.id, [each.user_id for each in people])

    def told(kind, row_id, *some):
        afresh()
        found = set()
        asked = count_queries(lambda: found.update(hearers(acme.id, kind, row_id, [actors[each] for each in some])))
        return found, asked

    heard = {}
    for kind, row_id in [*things.items(), ("audit_event", alice.user_id), ("task", new_secret_id())]:
        alone = {user_id for user_id, actor in actors.items() if heard_of(actor, [(kind, str(row_id))])}
        _found, few = told(kind, str(row_id), in_program.user_id)
        assert told(kind, str(row_id), *actors) == (alone, few), kind
        heard.setdefault(kind, alone)
        if follow := channel_named(f"{kind}.{row_id}"):
            still = {each for each, actor in actors.items() if sees_all(actor, kind) or may_follow(actor, follow)}
            assert followers(acme.id, follow, actors.values()) == still, kind
    assert heard["task"] == {each.user_id for each in (alice, bob, in_program, on_task, on_it)}
    assert heard["program"] == {each.user_id for each in (alice, bob, in_program, on_it)}


def test_who_was_let_go_is_nobody_any_more(alice):
    assert viewers(alice.organisation.id, [0]) == {0: None}
