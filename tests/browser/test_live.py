"""What others do is seen on pages that are open, and takes nothing away from who works on them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from app.commands.access_grants import create_access_grant, delete_access_grant
from app.commands.organisations import update_organisation
from app.commands.programs import update_program
from app.commands.task_assignments import assign_task, unassign_task
from app.commands.task_comments import comment_on_task
from app.commands.tasks import create_task, move_task, update_task
from app.schemas.access_grants import NewAccessGrant
from app.schemas.organisations import OrganisationChanges
from app.schemas.programs import ProgramChanges
from app.schemas.tasks import Assignment, Move, NewComment, NewTask, TaskChanges
from tests import cast
from tests.browser.windows import Held, until, until_quiet
from tests.factories import a_grant, a_group, a_program, a_task
from tests.security.test_live_elements import freelancer

pytestmark = pytest.mark.usefixtures("within_earshot")

ON, OFF = re.compile("Live"), re.compile("Not connected")


@pytest.fixture
def watch(visit):
    """Open a page of the organisation, and wait until it hears what others do."""

    def open_page(player, path):
        page = visit(player).go(path)
        expect(page.locator("#live-state[data-line=open]")).to_be_attached()
        return page

    return open_page


def say(player, task, text):
    comment_on_task(player.actor, task.id, NewComment(body=text))


def test_two_people_see_what_each_other_does(visit, watch, alice, bob):
    task = a_task(alice, name="Draft the letter")
    alices, bobs = watch(alice, f"/tasks/{task.id}"), watch(bob, f"/tasks/{task.id}")
    alices.get_by_label("Your comment").fill("Who takes this?")
    alices.get_by_role("button", name="Comment", exact=True).click()
    expect(bobs.get_by_text("Who takes this?")).to_be_visible()
    bobs.get_by_label("Your comment").fill("I do.")
    bobs.get_by_role("button", name="Comment", exact=True).click()
    expect(alices.get_by_text("I do.")).to_be_visible()


def test_whoever_is_taken_off_a_task_and_sees_it_no_more_is_told_so(watch, alice):
    program = a_program(alice)
    letter, leaflet = (a_task(alice, program, name=name) for name in ("Letter", "Leaflet"))
    dora = freelancer(alice, letter, leaflet)
    pages = [watch(dora, path) for path in (f"/programs/{program.id}/board", "/tasks")]
    for page in pages:
        expect(page.get_by_role("link", name="Letter")).to_be_visible()
    unassign_task(alice.actor, letter.id, dora.user_id)
    for page in pages:  # of which, where it was not shown anew already
        told = re.compile("You are no longer assigned to (“Letter”|one of these tasks), and do not see it any more.")
        expect(page.locator(".toast")).to_have_text(told)
    for page in pages:
        expect(page.get_by_role("link", name="Letter")).to_have_count(0)
        expect(page.get_by_role("link", name="Leaflet")).to_be_visible()


def test_what_is_being_typed_stays_and_so_does_the_keyboard(watch, alice, bob):
    task = a_task(alice)
    page = watch(bob, f"/tasks/{task.id}")
    field = page.get_by_label("Your comment")
    field.press_sequentially("Half a sen")
    say(alice, task, "A word in between")
    expect(page.get_by_text("A word in between")).to_be_visible()
    field.press_sequentially("tence")
    expect(field).to_have_value("Half a sentence")
    expect(field).to_be_focused()


def test_a_reader_who_stands_nowhere_is_led_nowhere(watch, alice, bob):
    task = a_task(alice)
    page = watch(bob, f"/tasks/{task.id}")
    page.evaluate("document.activeElement.blur()")
    say(alice, task, "A word in between")
    expect(page.get_by_text("A word in between")).to_be_visible()
    assert page.evaluate("document.activeElement === document.body")


def test_a_menu_that_is_open_stays_open(watch, alice, bob):
    task = a_task(alice)
    page = watch(bob, f"/tasks/{task.id}")
    menu = page.locator("#main details.menu").first
    menu.locator("summary").click()
    say(alice, task, "A word in between")
    expect(page.get_by_text("A word in between")).to_be_visible()
    expect(menu).to_have_attribute("open", "")


@pytest.mark.parametrize("path", ["/tasks", "/programs/{program}"])
def test_a_new_task_comes_into_the_lists_that_show_it(watch, alice, bob, path):
    program = a_program(alice)
    page = watch(bob, path.format(program=program.id))
    create_task(alice.actor, NewTask(program_id=program.id, name="Come in"))
    expect(page.get_by_role("link", name="Come in")).to_be_visible()


def test_the_list_of_programs_counts_the_tasks_that_there_are_now(watch, alice, bob):
    program = a_program(alice)
    page = watch(bob, "/programs")
    row = page.get_by_role("row").filter(has_text=program.name)
    expect(row).to_contain_text("0 open")
    for count in (1, 2, 3):  # the first could still be shown by the word that there is a new program
        create_task(alice.actor, NewTask(program_id=program.id, name="Come in"))
        expect(row).to_contain_text(f"{count} open")


def test_the_list_of_groups_counts_the_roles_that_they_have_now(acme, watch, alice, bob):
    group = a_group(acme, bob, name="Editors")
    page = watch(alice, "/groups")
    row = page.get_by_role("row").filter(has_text="Editors")
    expect(row).to_contain_text("0 roles")
    create_access_grant(alice.actor, NewAccessGrant(access_role_id=acme.roles["viewer"], user_group_id=group))
    expect(row).to_contain_text("1 role")


def test_a_row_changes_in_its_place_without_a_request_and_leaves_a_list_that_it_fits_no_longer(
    watch, alice, bob, carol
):
    narrowed = watch(alice, "/tasks?state=todo")
    task = a_task(alice, name="Draft the letter")
    expect(narrowed.get_by_role("link", name="Draft the letter")).to_be_visible()
    whole, of_program = watch(bob, "/tasks"), watch(carol, f"/programs/{task.program_id}")
    row, theirs = (page.get_by_role("row", name="Draft the letter") for page in (whole, of_program))
    update_task(alice.actor, task.id, TaskChanges(estimate_minutes=45))
    for each in (row, theirs):
        expect(each).to_contain_text("45 min")
    asked = []
    for page in (whole, of_program):
        until_quiet(page)  # who has just come is told of what was before, and asks for it
        page.on("request", lambda request: asked.append(request.url))
    link = whole.get_by_role("link", name="Draft the letter")
    link.focus()
    move_task(alice.actor, task.id, Move(state="doing"))
    expect(narrowed.get_by_role("link", name="Draft the letter")).to_have_count(0)
    update_task(alice.actor, task.id, TaskChanges(estimate_minutes=90))
    for each in (row, theirs):
        expect(each).to_contain_text("Doing")
        expect(each).to_contain_text("1 h 30 min")
    assert asked == []
    expect(link).to_be_focused()
    assign_task(alice.actor, task.id, Assignment(user_id=bob.user_id))  # the people above the list follow from its rows
    expect(row).to_contain_text("Bob")
    assert asked
    move_task(alice.actor, task.id, Move(state="todo"))
    expect(narrowed.get_by_role("link", name="Draft the letter")).to_be_visible()


def test_a_list_of_what_was_searched_for_stays_one(watch, alice, bob):
    program = a_program(alice)
    page = watch(bob, "/tasks?q=letter")
    create_task(alice.actor, NewTask(program_id=program.id, name="Something else"))
    create_task(alice.actor, NewTask(program_id=program.id, name="A letter"))
    expect(page.get_by_role("link", name="A letter")).to_be_visible()
    expect(page.get_by_role("link", name="Something else")).to_have_count(0)


def test_who_writes_hears_that_what_they_write_over_was_changed(watch, alice, bob):
    task = a_task(alice, name="As it was")
    page = watch(bob, f"/tasks/{task.id}/edit")
    page.get_by_label("Name").fill("As I want it")
    update_task(alice.actor, task.id, TaskChanges(name="As she wants it"))
    expect(page.get_by_text("Somebody else has changed this")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("As I want it")


def test_who_is_let_go_while_reading_reads_no_more(visit, watch, alice):
    program = a_program(alice)
    guest = cast.join(alice.organisation, "gina")
    grant = a_grant(alice, "viewer", guest, program_id=program.id)
    task = a_task(alice, program, name="Not for everybody")
    window = visit(cast.play(alice.organisation, "gina"))
    page = window.go(f"/tasks/{task.id}")
    expect(page.locator("#live-state[data-line=open]")).to_be_attached()
    with window.refusing(404):
        delete_access_grant(alice.actor, grant.id)
        expect(page.locator("#main")).not_to_contain_text("Not for everybody")
    expect(page.locator("#main")).to_contain_text("There is nothing here that you may see.")


def test_what_was_missed_while_the_line_was_cut_is_made_up_for(visit, product, alice, bob):
    task = a_task(alice, name="Letter")
    dora = freelancer(alice, task)
    window, doras = visit(bob), visit(dora)
    page, list_of_tasks = window.go(f"/tasks/{task.id}"), doras.go("/tasks")
    for each in (page, list_of_tasks):
        expect(each.locator("#live-state[data-line=open]")).to_be_attached()
    with window.offline(network=True), doras.offline(network=True):
        product.kill("live")
        expect(page.get_by_text(OFF)).to_be_visible()
        say(alice, task, "While you were away")
        unassign_task(alice.actor, task.id, dora.user_id)
        product.start("live")
        product.wait("live")
        for each in (page, list_of_tasks):  # or they would wait for the longer, the more often they have tried
            each.evaluate("setInterval(() => dispatchEvent(new Event('online')), 300)")
        expect(page.get_by_text("While you were away")).to_be_visible()
        expect(list_of_tasks.locator(".toast")).to_contain_text("You are no longer assigned to “Letter”")
    expect(page.get_by_text(OFF)).to_have_count(0)
    expect(list_of_tasks.get_by_role("link", name="Letter")).to_have_count(0)


def test_two_tabs_share_one_line(visit, alice, bob):
    task = a_task(alice)
    window, lines = visit(bob), []

    def open_tab():
        page = window.new_page()
        page.on("websocket", lambda line: lines.append(line.url))
        page.goto(window.at(f"/tasks/{task.id}"))
        expect(page.locator("#live-state[data-line=open]")).to_be_attached()
        return page

    tabs = [open_tab(), open_tab()]
    say(alice, task, "To both of you")
    for page in tabs:
        expect(page.get_by_text("To both of you")).to_be_visible()
    assert len(lines) == 1
    tabs[0].close()
    say(alice, task, "To the one that is left")
    expect(tabs[1].get_by_text("To the one that is left")).to_be_visible()
    assert len(lines) == 2


def test_what_is_being_written_in_one_tab_does_not_come_up_in_another(visit, alice, bob):
    task = a_task(alice)
    window = visit(alice)
    tabs = window.page, window.new_page()
    for tab in tabs:
        tab.goto(window.at(f"/tasks/{task.id}"))
        expect(tab.locator("#live-state[data-line=open]")).to_be_attached()
    tabs[0].get_by_label("Your comment").fill("Half a thought")
    until(tabs[0], "localStorage.length > 0")
    say(bob, task, "I do.")
    expect(tabs[1].get_by_text("I do.")).to_be_visible()
    expect(tabs[1].get_by_label("Your comment")).to_have_value("")
    expect(tabs[0].get_by_label("Your comment")).to_have_value("Half a thought")


def test_a_program_follows_its_name(watch, alice, bob):
    program = a_program(alice, name="Old name")
    page = watch(bob, f"/programs/{program.id}")
    update_program(alice.actor, program.id, ProgramChanges(name="New name"))
    expect(page.get_by_role("heading", name="New name")).to_be_visible()


def test_without_scripts_a_page_says_nothing_of_being_live(visit, alice):
    page = visit(alice, script=False).go("/tasks")
    expect(page.get_by_text(ON, exact=True)).to_be_hidden()


def test_a_form_that_shows_what_others_did_before_is_not_called_old(acme, watch, alice):
    dave = cast.join(acme, "dave")
    page = watch(alice, "/tasks")  # where nothing is told of settings
    update_organisation(dave.actor, OrganisationChanges(name="Acme Advice"))
    page.get_by_role("link", name="Settings", exact=True).click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Acme Advice")
    watch(dave, "/settings")
    expect(page.locator("main").get_by_text("Also here: Dave")).to_be_visible()  # which is told after what went before
    expect(page.locator(".live-note")).to_have_count(0)
    update_organisation(dave.actor, OrganisationChanges(name="Acme"))
    expect(page.locator(".live-note")).to_have_count(1)


def test_a_page_goes_on_following_after_an_answer_has_come_while_it_asked_for_itself(watch, alice, bob):
    task = a_task(alice)
    page = watch(alice, f"/tasks/{task.id}")
    asked, posted = Held(page, f"**/tasks/{task.id}"), Held(page, "**/comments")
    say(bob, task, "I do.")
    assert asked.route
    page.get_by_label("Your comment").fill("Who takes this?")
    page.get_by_role("button", name="Comment", exact=True).click()
    posted.let_go()
    expect(page.locator(".comments").get_by_text("Who takes this?")).to_be_visible()
    asked.let_go()
    expect(page.locator("article.htmx-request")).to_have_count(0)
    say(bob, task, "It is done.")
    expect(page.get_by_text("It is done.")).to_be_visible()


def test_an_answer_that_comes_late_takes_away_nothing_that_came_meanwhile(watch, alice, bob):
    task = a_task(alice)
    page, bobs = watch(alice, f"/tasks/{task.id}"), watch(bob, f"/tasks/{task.id}")
    posted = Held(page, "**/comments")
    page.get_by_label("Your comment").fill("Who takes this?")
    page.get_by_role("button", name="Comment", exact=True).click()
    posted.answer()
    say(bob, task, "I do.")
    expect(bobs.get_by_text("I do.")).to_be_visible()
    posted.let_go()
    expect(page.locator("form.htmx-request")).to_have_count(0)
    expect(page.locator(".comments").get_by_text("Who takes this?")).to_be_visible()
    expect(page.get_by_text("I do.")).to_be_visible()
