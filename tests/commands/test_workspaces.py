"""Saved workspaces: one's own until they are shared, changed by their owner alone, and begun with by whoever likes."""

from __future__ import annotations

from app.commands.workspaces import delete_workspace
from tests.factories import a_workspace
from tests.markup import page
from tests.trail import audit_trail


def shown(answer):
    """What a redirect to a workspace opens."""
    assert answer.status_code == 303, answer.text[:300]
    return answer.headers["Location"].partition("?")[2]


def names(answer):
    return [each["name"] for each in answer.json["data"]]


def test_what_is_open_is_saved_shared_and_opened_by_others(form, api, alice, bob):
    saved = form(alice).post(
        "/workspaces", name="Release desk", layout="p=tasks&p=programs&s=40,60", visibility="shared"
    )
    path = saved.headers["Location"].removeprefix(form(alice).at(""))
    workspace_id = path.rpartition("/")[2]
    assert shown(form(bob).get(path)) == f"p=tasks&p=programs&s=40,60&ws={workspace_id}"
    opened = form(bob).get(f"/w?{shown(form(bob).get(path))}")
    assert page(opened).one("h1", class_="desk__title").text == "Release desk"
    assert "Release desk" in form(bob).get("/workspaces").text
    assert names(api(bob).get("/workspaces")) == ["Release desk"]
    assert [each["name"] for each in api(alice).get("/workspaces").json["data"]] == ["Release desk"]


def test_a_private_one_is_hidden_from_everybody_else(form, api, alice, bob):
    private = a_workspace(alice, "Mine", visibility="private")
    assert form(bob).get(f"/workspaces/{private.id}").status_code == 404
    assert api(bob).get(f"/workspaces/{private.id}").status_code == 404
    assert api(bob).send("POST", f"/workspaces/{private.id}/default").status_code == 404
    assert names(api(bob).get("/workspaces")) == []
    hidden = form(bob).get(f"/w?p=tasks&ws={private.id}")
    assert hidden.status_code == 200
    assert "Mine" not in hidden.text


def test_only_its_owner_changes_one(form, api, alice, bob):
    shared = a_workspace(alice, "Desk")
    for answer in (
        api(bob).send("PATCH", f"/workspaces/{shared.id}", {"name": "Mine now"}),
        api(bob).send("DELETE", f"/workspaces/{shared.id}"),
        form(bob).post(f"/workspaces/{shared.id}/layout", layout="p=audit"),
        form(bob).get(f"/workspaces/{shared.id}/edit"),
    ):
        assert answer.status_code == 403
    assert form(alice).post(f"/workspaces/{shared.id}/layout", layout="p=policies", version=1).status_code == 303
    assert shown(form(bob).get(f"/workspaces/{shared.id}")) == f"p=policies&ws={shared.id}"
    stale = api(alice).send("PATCH", f"/workspaces/{shared.id}", {"name": "Other", "version": 1})
    assert stale.status_code == 409
    assert form(alice).post(f"/workspaces/{shared.id}", name="Other desk", version=1).status_code == 409
    assert form(alice).post(f"/workspaces/{shared.id}", name="", version=2).status_code == 422
    assert form(alice).post(f"/workspaces/{shared.id}", name="Other desk", version=2).status_code == 303
    assert audit_trail(shared) == ["workspace.created", "workspace.updated", "workspace.updated"]


def test_who_may_not_share_saves_for_themselves(api, carol):
    refused = api(carol).send("POST", "/workspaces", {"name": "Desk", "panels": ["tasks"], "visibility": "shared"})
    assert refused.status_code == 403
    mine = api(carol).send("POST", "/workspaces", {"name": "Desk", "panels": ["tasks"]})
    assert mine.status_code == 201
    again = api(carol).send("POST", "/workspaces", {"name": "Desk", "panels": ["tasks"]})
    assert (again.status_code, again.json["error"]["details"][0]["field"]) == (422, "name")
    to = f"/workspaces/{mine.json['data']['id']}"
    assert api(carol).send("PATCH", to, {"visibility": "shared"}).status_code == 403


def test_what_is_no_layout_is_refused(form, api, alice):
    for wrong in (
        {"panels": []},
        {"panels": ["//evil.example"]},
        {"panels": ["../globex/tasks"]},
        {"panels": [f"tasks?q={number}" for number in range(7)]},
        {"panels": ["tasks"], "widths": [40, 60]},
        {"panels": ["tasks"], "visibility": "public"},
    ):
        assert api(alice).send("POST", "/workspaces", {"name": "Desk"} | wrong).status_code == 422, wrong
    assert form(alice).post("/workspaces", name="Desk", layout="p=a b").status_code == 422
    assert form(alice).post("/workspaces", name="Desk", layout="").status_code == 422


def test_each_begins_with_the_one_that_they_chose_until_it_is_gone(form, api, alice, bob):
    desk = a_workspace(alice, "Desk")
    assert form(bob).post(f"/workspaces/{desk.id}/default").status_code == 303
    assert shown(form(bob).get("/w")) == f"p=tasks&p=programs&ws={desk.id}"
    assert form(alice).get("/w").status_code == 200
    other = a_workspace(bob, "Other", "policies")
    assert api(bob).send("POST", f"/workspaces/{other.id}/default").status_code == 200
    assert shown(form(bob).get("/w")) == f"p=policies&ws={other.id}"
    assert api(bob).send("DELETE", f"/workspaces/{desk.id}/default").status_code == 204  # it is not this one any more
    assert shown(form(bob).get("/w")) == f"p=policies&ws={other.id}"
    assert form(bob).post(f"/workspaces/{other.id}/deletion").status_code == 303
    assert form(bob).get("/w").status_code == 200
    assert audit_trail(desk) == ["workspace.created", "workspace.default_chosen"]


def test_one_that_is_no_longer_shared_is_begun_with_no_more(form, api, alice, bob):
    desk = a_workspace(alice, "Desk")
    form(bob).post(f"/workspaces/{desk.id}/default")
    api(alice).send("PATCH", f"/workspaces/{desk.id}", {"visibility": "private"})
    assert form(bob).get("/w").status_code == 200


def test_who_has_it_open_is_told_that_the_layout_was_changed_and_is_moved_nowhere(htmx, alice, bob):
    desk = a_workspace(alice, "Desk")
    news = f"/workspaces/{desk.id}/news?version=1"
    assert "Follow" not in htmx(bob).get(news).text
    htmx(alice).post(f"/workspaces/{desk.id}/layout", layout="p=policies")
    assert "Follow" in htmx(bob).get(news).text
    delete_workspace(alice.actor, desk.id)
    gone = htmx(bob).get(news)
    assert (gone.status_code, "What is open here stays." in gone.text) == (404, True)
