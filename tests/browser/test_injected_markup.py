"""What somebody types is text, wherever it is shown: nothing in it runs, asks for anything, or changes the page."""

from __future__ import annotations

from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from app.commands import certifications
from app.commands.task_comments import comment_on_task
from app.commands.tasks import delete_task, update_task
from app.schemas.certifications import Revocation
from app.schemas.tasks import NewComment, TaskChanges
from tests.browser.scene import certify
from tests.browser.windows import heading
from tests.cast import Player
from tests.factories import a_program, a_task

SCRIPT = "<script>fetch('/evil')</script>"
TRIGGER = "<div hx-get=/evil hx-trigger=load>"
IMAGE = "<img src=/evil onerror=\"fetch('/evil')\">"
LINK = "<a href=\"javascript:fetch('/evil')\">a</a>"
STYLE = "<style>body{display:none}</style>"
SHORT = SCRIPT + TRIGGER  # what fits into a name of a hundred characters
LINE = SHORT + IMAGE + LINK + STYLE  # and into one of two hundred
BREAKOUT = "\"'></textarea></title></option></p>{{7*7}}"
MARKDOWN = "[a](javascript:fetch('/evil')) ![b](/evil) [c](data:text/html,x)"
TEXT = f"{LINE}\n\n{BREAKOUT}\n\n{MARKDOWN}"

# All that a person can read on the page, in fields as well, and whether anything of it became an element.
LOOK = """() => ({
  text: [document.title, document.body.innerText,
         ...[...document.querySelectorAll("input, textarea, option")].map((e) => e.value + e.text)].join("\\n"),
  elements: [...document.querySelectorAll(`[hx-get="/evil"], [src*=evil], [href^="javascript:"], [href^="data:"],
    [onerror], body style, body script`)].map((e) => e.outerHTML),
  hidden: getComputedStyle(document.body).display === "none",
})"""


@pytest.fixture
def pages(alice: Player) -> list[str]:
    """Every page of an organisation in which every field holds markup."""
    program = a_program(alice, name=LINE, description=TEXT)
    task = a_task(alice, program, name="Before", description=TEXT)
    update_task(alice.actor, task.id, TaskChanges(name=LINE))
    comment_on_task(alice.actor, task.id, NewComment(body=TEXT))
    delete_task(alice.actor, a_task(alice, program, name=LINE).id)
    by_program, by_task = f"/programs/{program.id}", f"/tasks/{task.id}"
    return [
        *("/tasks", "/tasks/new", "/programs", "/trash", "/certifications"),
        *(by_program, f"{by_program}/edit", f"{by_program}/delete"),
        *(by_task, f"{by_task}/edit", f"{by_task}/delete", f"{by_task}/history"),
        *_pages_of_certifications(alice, task.id),
    ]


def _pages_of_certifications(alice: Player, task_id: UUID) -> list[str]:
    written = {"task_id": task_id, "llm_provider": SHORT, "model_name": LINE, "input": TEXT}
    promotion = {"governance_policy_id": alice.organisation.policies["financial-promotions"]}
    first = certify(alice, **written, output_content=TEXT)
    corrected = {"parent_certification_id": first, "change_summary": TEXT}
    second = certify(alice, **written, **promotion, **corrected, output_content=f"guaranteed {TEXT} risk-free")
    json = certify(alice, **written, output_content={LINE: [TEXT]})
    certifications.revoke_certification(alice.actor, json, Revocation(reason=TEXT))
    return [
        *(f"/certifications/{each}" for each in (first, second, json)),
        *(f"/certifications/{first}/versions", f"/tasks/{task_id}/certifications/new?parent={second}"),
    ]


def test_markup_in_any_field_is_shown_as_it_was_typed_and_does_nothing(visit, alice, pages):
    window = visit(alice)
    for path in pages:
        _is_text(window.go(path), path)


def test_markup_does_nothing_in_pages_and_pieces_that_scripts_put_in(visit, alice, pages):
    page = visit(alice).go("/programs")
    page.get_by_role("link", name=SHORT).click()
    expect(page.get_by_role("heading", name="Tasks")).to_be_visible()
    _is_text(page, "the program")
    page.get_by_role("link", name=SHORT).last.click()
    page.get_by_label("Your comment").fill(TEXT)
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_role("region", name="Comments").get_by_role("listitem")).to_have_count(2)
    page.get_by_role("button", name="Assign").click()
    expect(page.get_by_role("region", name="Assigned to").get_by_role("listitem")).to_have_count(1)
    _is_text(page, "the task")
    page.go_back()
    expect(page.get_by_role("heading", name="Tasks")).to_be_visible()
    _is_text(page, "the program again")


@pytest.mark.parametrize(
    ("path", "fields"),
    [("/programs/new", ["Name", "Key", "Description (optional)"]), ("/tasks/new", ["Name", "Estimate (optional)"])],
)
def test_markup_in_a_form_that_comes_back_does_nothing(visit, script, alice, path, fields):
    a_program(alice)
    window = visit(alice, script=script)
    page = window.go(path)
    for field in fields:
        page.get_by_label(field, exact=True).fill(TEXT)
    with window.refusing(422):
        page.locator("form.form button[type=submit]").click()
        expect(page.get_by_role("alert")).to_be_visible()
    _is_text(page, path)


def test_markup_in_a_search_does_nothing(visit, alice):
    page = visit(alice).go("/tasks")
    page.get_by_label("Words in the name").fill(LINE)
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    _is_text(page, "the search")


def test_markup_in_the_sign_in_page_does_nothing(visit):
    window = visit()
    window.page.goto(f"{window.url}/sign-in?next=javascript:fetch('/evil')")
    window.page.get_by_label("E-mail").fill(LINE)
    window.page.get_by_label("Password").fill(LINE)
    with window.refusing(422):
        window.page.get_by_role("button", name="Sign in", exact=True).click()
        expect(window.page.get_by_role("alert")).to_be_visible()
    expect(heading(window.page)).to_have_text("Sign in")
    _is_text(window.page, "the sign-in page")


def _is_text(page: Page, path: str) -> None:
    seen = page.evaluate(LOOK)
    assert SCRIPT in seen["text"], f"{path} does not show what was typed."
    assert seen["elements"] == [], path
    assert not seen["hidden"], path
