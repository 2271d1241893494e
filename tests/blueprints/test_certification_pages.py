"""The page of a certification: the text with its marks, the verdict with its reasons, the proof."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from app.commands import certifications
from app.core import clock, sealing, tenancy
from app.core.database import db
from app.web.check_reasons import of_a_rule
from runcible.records import TESTS
from tests.cast import afresh, system
from tests.factories import BOASTFUL, HONEST, a_certification, a_request, a_task, settle
from tests.markup import page

MISSING = "evidence that this rule needs is missing"


def shown(form, player, certification_id, more=""):
    return page(form(player).get(f"/certifications/{certification_id}{more}"))


def rule_of(whole, title):
    """The rule with this title, as the list of rules shows it."""
    (found,) = [each for each in whole.all("li", class_="rule") if title in each.text]
    return found


def erase(player, subject):
    with tenancy.entered(db.session, player.organisation.id):
        sealing.erase(player.organisation.id, subject)
        db.session.commit()
    afresh()


def test_a_rejection_shows_the_failed_rules_and_marks_their_words(form, alice):
    policy = alice.organisation.policies["financial-promotions"]
    whole = shown(form, alice, a_certification(alice, output_content=BOASTFUL, governance_policy_id=policy))
    assert "Rejected" in whole.by_id("main").text
    rule = rule_of(whole, "No guarantees and no riskless gains")
    assert "rule--fail" in rule["class"].split()
    assert "How to fix it:" in rule.text
    number = rule["id"].removeprefix("rule-")
    sheet = whole.one("div", class_="sheet__text")
    marked = [each.text for each in sheet.all("mark")]
    assert marked == ["guaranteed", "risk-free", "Act now"]
    links = [each["href"] for each in sheet.all("a")]
    assert links.count(f"#rule-{number}") == 2
    assert all(whole.by_id(link.removeprefix("#")) for link in links)
    words = "".join(each if isinstance(each, str) else each.text * (each.tag == "mark") for each in sheet.children)
    assert words == BOASTFUL


@pytest.mark.parametrize(
    ("reason", "missing", "told"),
    [
        (
            MISSING,
            ("model.name", "input.text"),
            "Evidence that this rule needs is missing: the name of the model, the text of the input.",
        ),
        ("the check took longer than 2 seconds", (), "The check took longer than 2 seconds."),
        ("something newer than this page", ("weather",), "Something newer than this page: weather."),
        (None, (), None),
    ],
)
def test_an_undecidable_rule_says_why_and_what_was_not_there_for_it(app, reason, missing, told):
    with app.test_request_context():
        assert of_a_rule(reason, missing) == told


def test_a_rule_that_misses_something_marks_nothing_and_still_fails(form, alice):
    policy = alice.organisation.policies["financial-promotions"]
    whole = shown(form, alice, a_certification(alice, output_content="A calm text.", governance_policy_id=policy))
    assert "rule--fail" in rule_of(whole, "Says that capital is at risk")["class"].split()
    assert whole.one("div", class_="sheet__text").all("mark") == []


def test_hidden_characters_are_made_visible_and_marked(form, alice):
    whole = shown(form, alice, a_certification(alice, output_content="pay\u202eecnO\u202c now\u200b"))
    marked = " ".join(each.text for each in whole.one("div", class_="sheet__text").all("mark"))
    for code in ("U+202E", "U+202C", "U+200B"):
        assert f"⟦{code}⟧" in marked
    assert "\u202e" not in form(alice).get(f"/certifications/{a_certification(alice)}").text


def test_markup_in_the_output_is_text(form, alice):
    text = "<script>alert(1)</script> & <b>bold</b>"
    whole = shown(form, alice, a_certification(alice, output_content=text))
    assert whole.one("div", class_="sheet__text").text == text
    assert "Certified" in whole.by_id("main").text


def test_json_is_shown_as_json(form, alice):
    value = {"price": 12.5, "text": "guaranteed success"}
    whole = shown(form, alice, a_certification(alice, output_content=value))
    sheet = whole.one("div", class_="sheet__text--json")
    assert [each.text for each in sheet.all("mark")] == ["guaranteed success"]
    words = "".join(each if isinstance(each, str) else each.text * (each.tag == "mark") for each in sheet.children)
    assert json.loads(words) == value


def test_a_certificate_says_what_is_attested_and_what_is_warranted(form, alice):
    made = alice.certification(a_certification(alice))
    text = shown(form, alice, made.id).by_id("main").text
    for told in (made.certification_number, made.output_hash, made.input_hash, "General", "claude-sonnet-4-5"):
        assert told in text, told
    for told in ("RSA-SHA256", "ECDSA-P256-SHA256", "asserted time", "The organisation that issued the certificate."):
        assert told in text, told
    keyids = [each["keyid"] for each in made.dsse_envelope["signatures"]]
    assert all(keyid in text for keyid in keyids)


def test_a_pending_page_asks_again_until_there_is_a_verdict(form, htmx, alice):
    certification_id = a_certification(alice, settled=False)
    article = shown(form, alice, certification_id).by_id(f"certification-{certification_id}")
    assert article["hx-trigger"] == "every 1s, live"
    assert article["hx-get"].endswith(f"/certifications/{certification_id}")
    settle(alice)
    later = shown(form, alice, certification_id).by_id(f"certification-{certification_id}")
    assert later["hx-trigger"] == "live"
    assert "every" not in re.findall(
        'hx-trigger="([^"]*)"', htmx(alice).get(f"/certifications/{certification_id}").text
    )


def test_whoever_reads_with_care_may_stop_a_page_that_asks_again(form, alice):
    article = shown(form, alice, a_certification(alice, settled=False), "?refresh=off").one("article")
    assert "hx-trigger" not in article.attributes


def test_a_fault_is_told_as_one_and_may_be_tried_again(form, alice, carol):
    made = certifications.request_certification(alice.actor, a_request(alice))
    certifications.fail_certification(system(alice.organisation), made.id, "It was tried 10 times.")
    whole = shown(form, alice, made.id)
    assert "It was tried 10 times." in whole.by_id("main").text
    retry = f"/certifications/{made.id}/retry"
    assert [each for each in whole.all("form") if each["action"].endswith(retry)]
    assert not [each for each in shown(form, carol, made.id).all("form") if each["action"].endswith(retry)]
    assert form(alice).get(f"/certifications/{made.id}/bundle").status_code == 409


def test_an_expired_certificate_is_shown_as_one(form, alice):
    made = alice.certification(a_certification(alice))
    with clock.stopped(made.expires_at + timedelta(seconds=1)):
        text = shown(form, alice, made.id).by_id("main").text
        assert "Expired" in text
        checks = page(form(alice).verify_certification(made.id)).by_id(f"checks-certification-{made.id}")
        assert "Not valid" in checks.text


def test_a_revoked_certificate_says_why_and_fails_its_check(form, api, alice):
    certification_id = a_certification(alice)
    api(alice).revoke_certification(certification_id, reason="The <price> was wrong.")
    settle(alice)
    text = shown(form, alice, certification_id).by_id("main").text
    assert "Revoked" in text
    assert "The <price> was wrong." in text
    assert "By Alice, " in text
    assert "Not valid" in page(form(alice).verify_certification(certification_id)).text


def test_each_of_the_eight_tests_says_what_it_asks(form, alice):
    tests = shown(form, alice, a_certification(alice)).one("ul", class_="tests").all("li")
    told = [(each.one("h3").text, each.one("p").text) for each in tests]
    assert [name.lower() for name, _asks in told] == list(TESTS)
    assert all(asks.endswith(".") and len(asks.split()) > 5 for _name, asks in told)
    assert len({asks for _name, asks in told}) == len(TESTS)


def test_the_proof_names_the_issuer(form, alice):
    proof = shown(form, alice, a_certification(alice)).one("div", class_="proof").text
    assert f"{alice.organisation.name} ({alice.organisation.slug})" in proof
    assert f"user:{alice.user_id}" in proof


def test_an_erased_text_is_gone_and_its_proof_stays(form, api, alice):
    task = a_task(alice)
    certification_id = a_certification(alice, task_id=task.id, output_content=HONEST)
    erase(alice, f"certification:{certification_id}")
    whole = shown(form, alice, certification_id)
    assert "The text itself was erased." in whole.by_id("main").text
    assert "fourteen days" not in whole.text
    checks = page(form(alice).verify_certification(certification_id)).by_id(f"checks-certification-{certification_id}")
    assert "Nothing failed, but not every check could be made" in checks.text
    assert "The content was erased; the record of it stands." in checks.text
    assert "Not valid" not in checks.text
    assert api(alice).get(f"/certifications/{certification_id}").json["data"]["output_content"] is None
    assert form(alice).get(f"/certifications/{certification_id}/bundle").status_code == 200
    form_again = form(alice).get(f"/tasks/{task.id}/certifications/new?parent={certification_id}")
    assert page(form_again).one("textarea", name="output_content").text == ""


def test_only_the_newest_version_is_offered_for_correction(form, alice):
    task = a_task(alice)
    first = a_certification(alice, task_id=task.id, output_content=BOASTFUL)
    assert "Certify a corrected version" in shown(form, alice, first).text
    second = a_certification(alice, task_id=task.id, parent_certification_id=first, output_content=BOASTFUL)
    assert "Certify a corrected version" not in shown(form, alice, first).text
    assert "Certify a corrected version" in shown(form, alice, second).text


def test_a_correction_that_comes_too_late_keeps_what_was_typed(form, alice):
    task = a_task(alice)
    first = a_certification(alice, task_id=task.id)
    a_certification(alice, task_id=task.id, parent_certification_id=first)
    answer = form(alice).request_certification(
        task.id, output_content="A long text that took an hour.", llm_provider="openai", model_name="gpt-5",
        input="Write.", governance_policy_id=alice.organisation.policies["general"], parent_certification_id=first,
    )  # fmt: skip
    assert answer.status_code == 409
    assert page(answer).one("textarea", name="output_content").text == "A long text that took an hour."
    assert "There is a newer version of this output already." in page(answer).by_id("error-summary").text


@pytest.mark.parametrize("path", ["/certifications/{id}", "/tasks/{task}/certifications/new?parent={id}"])
def test_certified_content_is_kept_in_no_cache(form, htmx, alice, path):
    task = a_task(alice)
    certification_id = a_certification(alice, task_id=task.id)
    for door in (form(alice), htmx(alice)):
        answer = door.get(path.format(id=certification_id, task=task.id))
        assert "no-store" in answer.headers["Cache-Control"]


def test_the_policies_say_what_they_ask_for(form, carol):
    listed = form(carol).get("/policies").text
    assert "Financial promotions" in listed
    whole = page(form(carol).get(f"/policies/{carol.organisation.policies['general']}"))
    assert whole.one("h1").text == "General"
    assert len(whole.all("li", class_="rule")) == 11
    assert "No promise that nobody can keep" in whole.text
