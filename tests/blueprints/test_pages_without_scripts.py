"""The whole slice with forms and links only: what is on a page is enough to go on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.doors import ORIGIN, Form
from tests.factories import BOASTFUL, HONEST, a_certification, a_program, a_task, settle
from tests.markup import Element, page


class Reader:
    """Somebody with a browser that runs no scripts: sees a page, follows its links, fills in its forms."""

    def __init__(self, door: Form) -> None:
        self.client, self.at = door.client, door.at

    def open(self, address: str) -> Element:
        """Go to an address and land on a page."""
        answer = self.client.get(address, follow_redirects=True)
        assert answer.status_code == 200, answer.status
        self.page = page(answer)
        return self.page

    def follow(self, words: str) -> Element:
        """Click on the link that says this."""
        (link, *_same) = [
            each for each in (*self.page.by_id("main").all("a"), *self.page.all("a")) if each.text == words
        ]
        return self.open(link["href"])

    def send(self, button: str, **fields: Any) -> Element:
        """Fill in the form that has this button, send it, and land on the page that it leads to."""
        answer = self.answer(button, **fields)
        assert answer.status_code == 303, f"{answer.status}: {page(answer).by_id('main').text}"
        return self.open(answer.headers["Location"])

    def answer(self, button: str, **fields: Any) -> Any:
        """What the server answers to the form."""
        form, pressed = self._form(button)
        given = {each["name"]: each.attributes.get("value", "") for each in form.all("input") if _counts(each)}
        given |= dict.fromkeys(
            (each["name"] for each in form.all("input", type="radio") if each["name"] not in given), ""
        )
        given |= {each["name"]: each.text for each in form.all("textarea")}
        given |= {each["name"]: _chosen(each) for each in form.all("select")}
        given |= {name: str(value) for name, value in fields.items()}
        assert set(fields) <= set(given), f"The form has no field {set(fields) - set(given)}."
        if "name" in pressed.attributes:
            given[pressed["name"]] = pressed["value"]
        return self.client.post(form["action"], data=given, headers=ORIGIN)

    def _form(self, button: str) -> tuple[Element, Element]:
        found = [(form, each) for form in self.page.all("form", method="post") for each in form.all("button")
                 if each.text == button]  # fmt: skip
        assert len(found) == 1, f"{len(found)} forms have a button {button!r}."
        return found[0]


def _counts(field: Element) -> bool:
    return field["type"] not in ("radio", "checkbox") or "checked" in field.attributes


def _chosen(select: Element) -> str:
    options = select.all("option")
    chosen = [each["value"] for each in options if "selected" in each.attributes]
    return (chosen or [options[0]["value"]])[0]


@pytest.fixture
def reader(form, alice):
    return Reader(form(alice))


def test_from_an_empty_house_to_a_finished_task(reader, bob):
    reader.open(reader.at("/programs"))
    reader.follow("New program")
    assert reader.send("Create program", key="ops", name="Operations").one("h1").text == "Operations"
    reader.follow("New task")
    shown = reader.send("Create task", name="Feed the cat", description="**Twice** a day", estimate_minutes="90")
    assert shown.one("h1").text == "OPS-1 Feed the cat"
    assert [each.text for each in shown.all("strong") if each.text == "Twice"]
    assert "1 h 30 min" in shown.text
    for button, state in (("Move to Doing", "Doing"), ("Move to In review", "In review"), ("Move to Done", "Done")):
        assert state in reader.send(button).by_id("main").one("summary").text
    reader.send("Assign", user_id=bob.user_id)
    assert "Take Bob off" in reader.page.text
    reader.send("Take Bob off")
    assert "Nobody yet." in reader.page.text
    shown = reader.send("Comment", body="It *purrs*.")
    assert [each.text for each in shown.all("em")] == ["purrs"]
    reader.follow("Edit")
    assert reader.send("Save changes", name="Feed both cats").one("h1").text == "OPS-1 Feed both cats"
    reader.follow("History")
    assert "moved it from In review to Done" in reader.page.text


def test_there_and_back_from_the_trash(reader, alice):
    program = a_program(alice, name="Operations")
    task = a_task(alice, program, name="Feed the cat")
    reader.open(reader.at(f"/tasks/{task.id}"))
    reader.follow("Delete…")
    assert "Delete this task?" in reader.page.text
    assert "Feed the cat" not in reader.send("Delete task").by_id("main").text
    reader.follow("Trash")
    assert reader.send("Restore Feed the cat").one("h1").text.endswith("Feed the cat")
    reader.open(reader.at(f"/programs/{program.id}"))
    reader.follow("Delete…")
    assert "It goes to the trash with its 1 task." in reader.page.text
    reader.send("Delete program")
    assert "Operations" not in reader.page.by_id("main").text
    reader.follow("Trash")
    assert reader.send("Restore Operations").one("h1").text == "Operations"
    assert "Feed the cat" in reader.page.text


def test_an_output_is_certified_verified_corrected_and_revoked(reader, alice):
    task = a_task(alice)
    policy = alice.organisation.policies["general"]
    reader.open(reader.at(f"/tasks/{task.id}"))
    reader.follow("Certify output")
    given = {"llm_provider": "openai", "model_name": "gpt-5", "input": "Write.", "governance_policy_id": policy}
    shown = reader.send("Certify output", format="text", output_content=BOASTFUL, **given)
    assert "Pending" in shown.text
    assert shown.one("meta", http_equiv="refresh")["content"] == "10"
    settle(alice)
    shown = reader.open(reader.at("/certifications"))
    (link,) = [each for each in shown.all("a") if each.text.startswith("RC-")]
    assert "Rejected" in reader.open(link["href"]).text
    reader.follow("Certify a corrected version")
    assert reader.page.one("textarea", name="output_content").text == BOASTFUL
    reader.send("Certify output", format="text", output_content=HONEST, change_summary="Promises nothing", **given)
    settle(alice)
    newest = next(each for each in reader.open(reader.at("/certifications")).all("a") if each.text.startswith("RC-"))
    assert "Certified" in reader.open(newest["href"]).text
    checked = reader.answer("Verify now")
    assert checked.status_code == 200
    assert "Valid: every required check passed" in page(checked).text
    reader.follow("Versions")
    assert "Promises nothing" in reader.page.text
    reader.open(newest["href"])
    reader.follow("Revoke…")
    assert "The price was wrong." in reader.send("Revoke certification", reason="The price was wrong.").text
    assert "Revoked" in reader.page.text
    reader.follow("Audit trail")
    assert "revoked the certificate" in reader.page.text


@pytest.mark.parametrize(
    ("path", "button", "fields", "wrong"),
    [
        ("/programs/new", "Create program", {"key": "!", "name": ""}, {"key", "name"}),
        ("/tasks/new", "Create task", {"name": "", "estimate_minutes": "soon"}, {"name", "estimate_minutes"}),
        ("/tasks/{task}/edit", "Save changes", {"name": "x" * 201}, {"name"}),
        ("/programs/{program}/edit", "Save changes", {"name": ""}, {"name"}),
        ("/tasks/{task}/certifications/new", "Certify output", {"model_name": ""}, {"model_name"}),
        ("/tasks/{task}", "Comment", {"body": ""}, {"body"}),
    ],
)
def test_a_form_that_will_not_do_comes_back_with_what_was_typed_and_what_is_wrong(
    reader, alice, path, button, fields, wrong
):
    program = a_program(alice)
    things = {"program": program.id, "task": a_task(alice, program).id}
    reader.open(reader.at(path.format(**things)))
    answer = reader.answer(button, **fields)
    assert answer.status_code == 422
    shown = page(answer)
    assert shown.one("title").text.startswith("To correct:") or button == "Comment"
    alone = button == "Comment"  # a form of one field has no summary
    alert = shown.by_id("f-body-wrong" if alone else "error-summary")
    assert alert["role"] == "alert"
    if not alone:
        assert {link["href"] for link in alert.all("a")} >= {f"#f-{name}" for name in wrong}
        assert not [link for link in alert.all("a") if link.text.startswith("This")], "which field?"
    for name in wrong:
        field = shown.by_id(f"f-{name}")
        assert field["aria-invalid"] == "true"
        assert f"f-{name}-wrong" in field["aria-describedby"].split()
        assert shown.by_id(f"f-{name}-wrong").text.startswith("Wrong:")
    for name, value in fields.items():
        field = shown.by_id(f"f-{name}")
        assert (field.text if field.tag == "textarea" else field["value"]) == value


PAGES = ["/tasks", "/tasks/new", "/tasks/{task}", "/tasks/{task}/edit", "/tasks/{task}/history", "/tasks/{task}/delete",
         "/tasks/{task}/certifications/new", "/programs", "/programs/new", "/programs/{program}",
         "/programs/{program}/edit", "/programs/{program}/delete", "/certifications", "/certifications/{certification}",
         "/certifications/{certification}/versions", "/certifications/{certification}/audit",
         "/certifications/{certification}/revoke", "/policies", "/policies/{policy}", "/trash"]  # fmt: skip


def test_every_page_is_whole(form, alice, certification_on_task):
    for path in PAGES:
        answer = form(alice).get(path.format(**certification_on_task))
        assert answer.status_code == 200, path
        shown = page(answer)
        assert len(shown.ids) == len(set(shown.ids)), path
        assert len(shown.all("h1")) == 1, path
        assert shown.one("title").text.endswith(f"– {alice.organisation.name}"), path
        for label in shown.all("label"):
            if "for" in label.attributes:
                shown.by_id(label["for"])
        for sent in shown.all("form", method="post"):
            assert sent["action"].startswith("/"), path
            assert sent.all("button", type="submit"), path


def test_a_viewer_is_offered_nothing_that_they_may_not_do(form, carol, certification_on_task):
    for path in PAGES:
        answer = form(carol).get(path.format(**certification_on_task))
        if answer.status_code == 200:
            actions = [each["action"] for each in page(answer).all("form", method="post")]
            assert all(each == "/sign-out" or each.partition("#")[0].endswith("/verification") for each in actions), (
                path,
                actions,
            )
        else:
            assert answer.status_code == 403, path


@pytest.fixture
def certification_on_task(alice):
    program = a_program(alice)
    task = a_task(alice, program)
    return {"program": program.id, "task": task.id, "policy": alice.organisation.policies["general"],
            "certification": a_certification(alice, task_id=task.id)}  # fmt: skip
