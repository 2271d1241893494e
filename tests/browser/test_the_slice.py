"""From signing in to a verified certificate, by hand, in a browser: with JavaScript and without."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.scene import certify
from tests.browser.windows import heading, verdict
from tests.cast import PASSWORD
from tests.factories import BOASTFUL, HONEST, a_program, a_task
from tests.stage import ROOT

MODEST = (
    "The Nordic Balanced Fund holds shares and bonds in equal parts. Capital at risk. The value of investments can go"
    " down as well as up, and you may get back less than you invest. Issued by Acme Advice."
)


def test_one_signs_in_with_address_and_password_and_out_again(visit, script, bob):
    window = visit(script=script)
    page, home = window.page, f"/o/{bob.organisation.slug}/tasks"
    page.goto(f"{window.url}{home}")
    expect(heading(page)).to_have_text("Sign in")
    page.get_by_label("E-mail").fill(bob.actor.email)
    page.get_by_label("Password").fill("not the password")
    with window.refusing(422):
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("is not right")
    expect(page.get_by_label("E-mail")).to_have_value(bob.actor.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(f"{window.url}{home}")
    expect(page.get_by_role("strong").filter(has_text="Bob")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(heading(page)).to_have_text("Sign in")
    page.goto(f"{window.url}{home}")
    expect(heading(page)).to_have_text("Sign in")


def test_what_one_did_is_confirmed_and_taken_back(visit, script, alice):
    page = visit(alice, script=script).go(
        f"/tasks/{a_task(alice, a_program(alice, key='OPS'), name='Feed the cat').id}"
    )
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Delete task").click()
    said = page.get_by_role("status").filter(has_text="OPS-1 is in the trash.")
    expect(said).to_be_visible()
    expect(heading(page)).to_have_text("Tasks")
    said.get_by_role("button", name="Undo").click()
    expect(heading(page)).to_have_text("OPS-1 Feed the cat")
    expect(page.get_by_role("status").filter(has_text="Task restored from the trash.")).to_be_visible()
    expect(said).to_have_count(0)
    page.reload()
    expect(page.get_by_text("Task restored from the trash.")).to_have_count(0)
    page.get_by_label("Your comment").fill("Twice a day.")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Comment added.")).to_be_visible()


def test_one_makes_a_program_and_a_task_and_edits_it(visit, script, alice):
    page = visit(alice, script=script).go("/programs")
    page.get_by_role("link", name="New program").first.click()
    page.get_by_label("Name", exact=True).fill("Client operations")
    page.get_by_label("Key", exact=True).fill("ops")
    page.get_by_role("button", name="Create program").click()
    expect(heading(page)).to_have_text("Client operations")
    page.get_by_role("link", name="New task").first.click()
    expect(page.get_by_label("Program", exact=True)).to_have_value(re.compile("."))
    page.get_by_label("Name", exact=True).fill("Draft the fund letter")
    page.get_by_label("Description").fill("In **plain** words.")
    page.get_by_label("Estimate").fill("90")
    page.get_by_role("button", name="Create task").click()
    expect(heading(page)).to_have_text("OPS-1 Draft the fund letter")
    expect(page.locator(".prose strong")).to_have_text("plain")
    expect(page.get_by_text("1 h 30 min")).to_be_visible()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Name", exact=True).fill("Draft the spring fund letter")
    page.get_by_label("Estimate").fill("")
    page.get_by_role("button", name="Save changes").click()
    expect(heading(page)).to_have_text("OPS-1 Draft the spring fund letter")
    page.get_by_role("link", name="Tasks", exact=True).first.click()
    expect(page.get_by_role("row", name="OPS-1 Draft the spring fund letter")).to_contain_text("To do")


def test_one_assigns_moves_and_discusses_a_task_and_its_history_tells_so(visit, script, alice, bob):
    task = a_task(alice)
    page = visit(bob, script=script).go(f"/tasks/{task.id}")
    people = page.get_by_role("region", name="Assigned to")
    people.get_by_role("combobox").select_option(label="Alice")
    people.get_by_role("button", name="Assign").click()
    expect(people.get_by_role("listitem")).to_have_text(re.compile("Alice"))
    _move(page, "Doing")
    _move(page, "In review")
    page.get_by_label("Your comment").fill("Looks *right* to me.")
    page.get_by_role("button", name="Comment").click()
    expect(page.get_by_role("region", name="Comments").locator("em")).to_have_text("right")
    expect(page.get_by_label("Your comment")).to_have_value("")
    people.get_by_role("button", name="Take Alice off").click()
    expect(people).to_contain_text("Nobody yet.")
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("listitem").filter(has=page.locator(".timeline__when"))).to_contain_text(
        [
            "Bob took Alice off it",
            "Bob commented",
            "Bob moved it from Doing to In review",
            "Bob moved it from To do to Doing",
            "Bob put Alice on it",
            "Alice made this task",
        ]
    )


def test_an_output_is_certified_while_one_watches_and_anybody_can_verify_it(
    visit, product, browser_stage, tmp_path, script, bob
):
    task = a_task(bob)
    window = visit(bob, script=script)
    page = window.go(f"/tasks/{task.id}")
    with product.paused("signer"):
        _certify(page, HONEST, "General")
        expect(verdict(page)).to_contain_text(re.compile("Pending|Being checked|Being signed"))
        if script:
            page.evaluate("window.stayed = true")
        else:
            expect(page.locator("noscript meta[http-equiv=refresh], meta[http-equiv=refresh]")).to_have_count(1)
    if not script:
        _reload_until_decided(page)
    expect(verdict(page)).to_contain_text("Certified")
    assert not script or page.evaluate("window.stayed"), "The page was loaded anew."
    expect(heading(page)).to_have_text(re.compile(r"^RC-\d{4}-\d{10}-[0-9A-Z]$"))
    expect(page.get_by_role("region", name="Output")).to_contain_text(HONEST)
    _verify_here(page)
    _verify_elsewhere(_download(page, tmp_path), Path(str(browser_stage.settings["trust_root_file"])))


def test_a_rejected_output_shows_where_and_why_and_its_corrected_version_is_certified(visit, script, bob):
    task = a_task(bob)
    page = visit(bob, script=script).go(f"/tasks/{task.id}")
    _certify(page, BOASTFUL, "Financial promotions")
    _wait_for_verdict(page, script, "Rejected")
    expect(page.locator("mark", has_text="guaranteed").first).to_be_visible()
    expect(page.locator("mark", has_text="risk-free").first).to_be_visible()
    rule = page.get_by_role("listitem").filter(has_text="No guarantees and no riskless gains").filter(has_text="Failed")
    expect(rule).to_contain_text("How to fix it:")
    expect(verdict(page)).to_contain_text("It must not be acted on")
    number = heading(page).inner_text()

    page.get_by_role("link", name="Certify a corrected version").click()
    expect(heading(page)).to_have_text("Certify a corrected version")
    expect(page.get_by_label("Output", exact=True)).to_have_value(BOASTFUL)
    page.get_by_label("What has changed").fill("Took out the promises.")
    page.get_by_label("Output", exact=True).fill(MODEST)
    page.get_by_role("button", name="Certify output").click()
    _wait_for_verdict(page, script, "Certified")
    page.get_by_role("link", name="Versions").click()
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="Took out the promises.")).to_contain_text("Certified")
    expect(rows.filter(has_text=number)).to_contain_text("Rejected")


def test_a_certificate_is_taken_back_for_a_reason(visit, script, alice):
    certification_id = certify(alice, task_id=a_task(alice).id)
    window = visit(alice, script=script)
    page = window.go(f"/certifications/{certification_id}")
    page.get_by_role("link", name="Revoke").click()
    with window.refusing(422):
        page.get_by_role("button", name="Revoke certification").click()
        expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Reason").fill("The figure was wrong.")
    page.get_by_role("button", name="Revoke certification").click()
    expect(verdict(page)).to_contain_text("Revoked")
    expect(verdict(page)).to_contain_text("The figure was wrong.")
    page.locator("main").get_by_role("link", name="Audit trail").click()
    expect(page.get_by_role("region", name="Events")).to_contain_text("Alice revoked the certificate")


def test_what_was_deleted_comes_back_from_the_trash(visit, script, alice):
    program = a_program(alice, name="Spring open day")
    task = a_task(alice, program, name="Order a kettle")
    page = visit(alice, script=script).go(f"/tasks/{task.id}")
    page.get_by_role("link", name="Delete").click()
    expect(heading(page)).to_have_text("Delete this task?")
    page.get_by_role("button", name="Delete task").click()
    expect(heading(page)).to_have_text("Tasks")
    expect(page.get_by_text("Order a kettle")).to_have_count(0)
    page.get_by_role("link", name="Trash").click()
    page.get_by_role("button", name="Restore Order a kettle").click()
    expect(heading(page)).to_contain_text("Order a kettle")
    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="Spring open day").click()
    expect(heading(page)).to_have_text("Spring open day")
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete program").click()
    expect(heading(page)).to_have_text("Programs")
    expect(page.get_by_text("Spring open day")).to_have_count(0)
    page.get_by_role("link", name="Trash").click()
    page.get_by_role("button", name="Restore Spring open day").click()
    expect(heading(page)).to_have_text("Spring open day")
    expect(page.get_by_role("link", name="Order a kettle")).to_be_visible()


@pytest.mark.parametrize("path", ["/tasks/new", "/programs/new"])
def test_a_form_says_all_that_is_wrong_at_once_and_keeps_what_was_typed(visit, script, alice, path):
    for _ in range(2):  # where there is one program only, it is chosen already
        a_program(alice)
    window = visit(alice, script=script)
    page = window.go(path)
    page.get_by_label("Description").fill("Kept.")
    with window.refusing(422):
        page.locator("form.form button[type=submit]").click()
        expect(page.get_by_role("alert").get_by_role("listitem")).to_have_count(2)
    expect(page.locator("[aria-invalid=true]")).to_have_count(2)
    expect(page.get_by_label("Description")).to_have_value("Kept.")


def _move(page: Page, state: str) -> None:
    page.locator("main summary").click()
    page.get_by_role("button", name=f"Move to {state}").click()
    expect(page.locator("main summary")).to_contain_text(f"State: {state}")


def _certify(page: Page, output: str, policy: str) -> None:
    page.get_by_role("link", name="Certify output").click()
    page.get_by_label("Output", exact=True).fill(output)
    page.get_by_label("Provider").fill("anthropic")
    page.get_by_role("textbox", name="Model").fill("claude-sonnet-4-5")
    page.get_by_role("textbox", name=re.compile("^Input")).fill("How do I cancel?")
    page.get_by_role("radio", name=policy).check()
    page.get_by_role("button", name="Certify output").click()


def _wait_for_verdict(page: Page, script: bool, word: str) -> None:
    expect(verdict(page)).to_be_visible()
    if not script:
        _reload_until_decided(page)
    expect(verdict(page)).to_contain_text(word)


def _reload_until_decided(page: Page) -> None:
    """What the page does by itself every ten seconds, a little faster."""
    while page.locator("meta[http-equiv=refresh]").count():
        page.reload()


def _verify_here(page: Page) -> None:
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("main").get_by_text("Valid: every required check passed")).to_be_in_viewport()
    expect(page.get_by_text("The signature belongs to the statement")).to_be_visible()


def _download(page: Page, folder: Path) -> Path:
    number = heading(page).inner_text() if page.locator("article.certificate").count() else ""
    with page.expect_download() as download:
        page.get_by_role("link", name="Download bundle").click()
    assert download.value.suggested_filename.endswith(".rcb.json")
    assert number in download.value.suggested_filename
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def _verify_elsewhere(bundle: Path, trust_root: Path) -> None:
    """By our own program, and by openssl on the parts, as docs/verify-by-hand.md has it."""
    parts = bundle.parent / "parts"
    runcible = [sys.executable, "-m", "runcible"]
    assert "every required check" in _said([*runcible, "verify", bundle, "--trust-root", trust_root])
    _said([*runcible, "unpack", bundle, parts])
    signature = ["-verify", "public.pem", "-signature", "signature.bin", "payload.bin"]
    assert "Verified OK" in _said(["openssl", "dgst", "-sha256", *signature], parts)
    stamp = ["-data", "signature.bin", "-in", "token.tsr", "-CAfile", "tsa-chain.pem"]
    assert "Verification: OK" in _said(["openssl", "ts", "-verify", *stamp], parts)
    assert (parts / "content.txt").read_text() == HONEST


def _said(command: list[object], folder: Path = ROOT) -> str:
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
