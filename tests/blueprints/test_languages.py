"""In which language a page is: its reader's, and that of nobody else."""

from __future__ import annotations

import io
import re
from gettext import GNUTranslations

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from app.commands.access_roles import create_access_role
from app.commands.organisations import update_organisation
from app.commands.tasks import move_task
from app.core import languages
from app.core.errors import Conflict, Invalid
from app.core.phrases import counted, phrase
from app.schemas.access_roles import NewAccessRole
from app.schemas.organisations import OrganisationChanges
from app.schemas.tasks import Move
from app.web import languages as spoken
from app.web.built_in import CHECKS
from runcible.certification.report import TITLES
from tests.blueprints.test_times import prefers
from tests.factories import a_certification, a_grant, a_task
from tests.security.newcomers import newcomer

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


def test_each_person_reads_a_page_in_their_own_language(form, acme, bob):
    dora = newcomer(acme)
    prefers(dora, locale="de-CH")
    page, other = form(dora).get("/tasks"), form(bob).get("/tasks")
    assert '<html lang="de" dir="ltr"' in page.text
    assert "Aufgaben" in page.text
    assert "Skip to the content" not in page.text
    assert '<html lang="en" dir="ltr"' in other.text
    assert "Skip to the content" in other.text
    assert page.headers["ETag"] != other.headers["ETag"]


def test_whoever_has_chosen_nothing_reads_as_the_organisation_does(form, alice):
    update_organisation(alice.actor, OrganisationChanges(locale="de-DE"))
    assert "Neue Aufgabe" in form(alice).get("/tasks").text


def test_whoever_is_nobody_yet_is_asked_in_the_language_of_their_browser(form):
    page = form(None).client.get("/sign-in", headers=GERMAN)
    assert '<html lang="de"' in page.text
    assert "Anmelden" in page.text
    assert "Accept-Language" in page.headers["Vary"]
    assert '<html lang="en"' in form(None).client.get("/sign-in", headers={"Accept-Language": "tlh"}).text


def test_what_is_wrong_is_said_in_the_language_of_the_form(form, acme):
    dora = newcomer(acme, role="owner")
    prefers(dora, locale="de-DE")
    task = a_task(dora)
    assert "Dies ist erforderlich." in form(dora).post(f"/tasks/{task.id}", name="", version=task.version).text
    assert "Höchstens 200 Zeichen sind möglich." in form(dora).post("/tasks", name="x" * 999).text
    assert (
        "Hier ist nichts, was Sie sehen dürfen." in form(dora).get("/tasks/00000000-0000-0000-0000-000000000000").text
    )


def test_the_api_is_in_english_whoever_asks(form, acme):
    dora = newcomer(acme, role="owner")
    prefers(dora, locale="de-DE")
    asking = {"Authorization": f"Bearer {dora.api_key}"} | GERMAN
    answer = form(None).client.get("/api/v1/tasks?limit=x", headers=asking)
    assert answer.json["error"]["details"][0]["message"] == "This must be a number from 1 to 200."


def test_what_came_with_the_product_is_named_in_the_language_of_the_reader_and_what_was_typed_stays(form, api, acme):
    dora = newcomer(acme, role="owner")
    prefers(dora, locale="de-DE")
    typed = create_access_role(dora.actor, NewAccessRole(name="Tasks", permissions=("task.view",)))
    task = a_task(dora)
    move_task(dora.actor, task.id, Move(state="doing"))
    page = form(dora).get
    board = page(f"/programs/{task.program_id}/board").text
    assert "In Arbeit" in board and "Doing" not in board
    assert "von Zu tun nach In Arbeit" in page(f"/tasks/{task.id}/history").text
    assert "In Arbeit" in page("/tasks").text
    roles = page("/roles").text
    assert "Eigentümer" in roles and "Mitglied" in roles and ">Tasks<" in roles
    assert "Liest Programme, Aufgaben und Zertifizierungen." in page(f"/roles/{acme.roles['viewer']}").text
    a_grant(dora, "reviewer", dora)
    assert "Prüfer" in page("/people").text and "die Rolle Prüfer" in page("/audit?kind=access_grant").text
    assert ">Protokollexport</option>" in page("/audit").text and ">Audit export<" not in page("/audit").text
    refused = form(dora).post(f"/tasks/{task.id}/move", state="done").text
    assert "„In Arbeit“" in refused and "Zu tun oder In Prüfung oder Abgebrochen" in refused
    assert {each["name"] for each in api(dora).get("/access-roles").json["data"]} >= {"Owner", typed.name}
    assert api(dora).get(f"/tasks/{task.id}").json["data"]["state"]["name"] == "Doing"


def test_every_check_of_a_bundle_has_words_in_other_languages():
    assert set(TITLES.values()) == set(CHECKS)


def test_what_a_policy_asks_and_what_a_check_found_is_read_in_ones_own_language(form, htmx, acme, alice):
    dora = newcomer(acme, role="owner")
    prefers(dora, locale="de-DE")
    address = f"/certifications/{a_certification(alice)}"
    checks = htmx(dora).post(f"{address}/verification").text
    assert re.search(r"Versiegelt am 20\d\d-\d\d-\d\dT[\d:.]+Z\.", checks)
    assert re.search(r" mit dem Schlüssel [0-9a-f]{16}\.", checks)
    assert re.search(r"(?i:general), Version 1, SHA-256 \S+\.", checks), "what was filled in stays"
    page = form(dora).get(address).text
    assert "Das Modell und sein Anbieter sind genannt" in page
    assert "The model and its provider are named" not in page
    policies = {player: form(player).get("/policies").text for player in (alice, dora)}
    assert [("Financial promotions" in text, "Finanzwerbung" in text) for text in policies.values()] == [
        (True, False),
        (False, True),
    ]


def test_scripts_are_given_their_words_too(form, acme):
    dora = newcomer(acme, role="owner")
    prefers(dora, locale="de-DE")
    assert "Keine Verbindung zum Server." in form(dora).get("/tasks").text


def catalogue(language: str, **said: str) -> GNUTranslations:
    made = Catalog(locale=language)
    for text, words in said.items():
        made.add(text, words)
    file = io.BytesIO()
    write_mo(file, made)
    file.seek(0)
    return GNUTranslations(file)


def test_a_language_that_is_read_from_the_right_turns_the_page_around(form, monkeypatch):
    """One more catalogue is all that it takes."""
    monkeypatch.setattr(languages, "languages", lambda: ("en", "ar"))
    monkeypatch.setattr("app.web.actors.languages", lambda: ("en", "ar"))
    monkeypatch.setattr(spoken, "catalogue_of", lambda language: catalogue(language, Password="كلمة المرور"))
    page = form(None).client.get("/sign-in", headers={"Accept-Language": "ar-EG"}).text
    assert '<html lang="ar" dir="rtl"' in page
    assert "كلمة المرور" in page


def test_a_phrase_is_english_text_that_can_be_said_otherwise():
    german = languages.catalogue_of("de")
    told = phrase("Too many tries. Wait %(value)s and try again.", value=phrase("%(count)s minutes", count=5))
    assert told == "Too many tries. Wait 5 minutes and try again."
    assert languages.say(told, german) == "Zu viele Versuche. Warten Sie 5 Minuten und versuchen Sie es dann erneut."
    assert languages.say(Conflict(told).message, german).startswith("Zu viele")
    assert (
        languages.say(Invalid({"name": phrase("This is required.")}).fields["name"], german) == "Dies ist erforderlich."
    )
    many = counted("%(count)s task on this page", "%(count)s tasks on this page", 2)
    assert many == "2 tasks on this page"
    assert languages.say(many, german) == "2 Aufgaben auf dieser Seite"
    assert languages.say("", german) == ""


def test_a_catalogue_that_was_not_compiled_since_it_changed_says_so(tmp_path, monkeypatch):
    (tmp_path / "fr.po").write_text('msgid ""\nmsgstr ""\n')
    monkeypatch.setattr(languages, "FOLDER", tmp_path)
    with pytest.raises(languages.NotCompiledError, match=r"fr\.po.*compile"):
        languages.catalogue_of.__wrapped__("fr")
