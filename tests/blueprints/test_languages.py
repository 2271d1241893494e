"""In which language a page is: its reader's, and that of nobody else."""

from __future__ import annotations

import io
from gettext import GNUTranslations

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from app.commands.organisations import update_organisation
from app.core import languages
from app.core.errors import Conflict, Invalid
from app.core.phrases import counted, phrase
from app.schemas.organisations import OrganisationChanges
from app.web import languages as spoken
from tests.blueprints.test_times import prefers
from tests.factories import a_task
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
