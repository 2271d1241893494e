"""One's own profile and picture: who sees what, and what an upload can and cannot do."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image
from sqlalchemy import select

from app.core.database import db
from app.core.portraits import MOST_BYTES
from app.models.user_avatars import UserAvatar
from app.models.users import User
from tests.cast import Organisation, Player
from tests.doors import ORIGIN
from tests.factories import a_picture, a_task, an_avatar
from tests.security.newcomers import newcomer
from tests.security.test_account import Seat, events, trail

GIVEN = {"name": "Dorothea", "time_zone": "Europe/Zurich", "locale": "de-CH"}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


@pytest.fixture
def dora(acme: Organisation) -> Player:
    """Somebody whose profile nobody else looks at."""
    return newcomer(acme)


@pytest.fixture
def browser(web_app, dora: Player) -> Seat:
    """A browser in which dora has signed in."""
    return Seat(web_app, dora).sign_in()


def upload(seat: Seat, file: bytes, name: str = "me.png", kind: str = "image/png", field: str = "picture"):
    return seat.client.post(
        "/account/profile/picture",
        data={field: (io.BytesIO(file), name, kind)},
        content_type="multipart/form-data",
        headers=ORIGIN,
        environ_overrides={"REMOTE_ADDR": seat.address},
    )


def profile(player: Player) -> User:
    db.session.rollback()
    return db.session.get_one(User, player.user_id, populate_existing=True)


def picture_on(page: str) -> str | None:
    found = re.search(r'<img class="avatar__picture" src="([^"]+)"', page)
    return found and found[1]


def test_a_profile_is_changed_and_counts_at_once(browser, dora, form):
    assert browser.post("/account/profile", **GIVEN, version="1").status_code == 303
    kept = profile(dora)
    assert {name: getattr(kept, name) for name in GIVEN} == GIVEN
    page = form(dora).get("/tasks").text
    assert "<strong>Dorothea</strong>" in page
    assert re.search(r'<option value="Europe/Zurich" selected>', browser.get("/account/profile").text)


def test_whoever_wants_compact_pages_gets_them_everywhere_and_nobody_else(browser, dora, form, alice, web_app):
    assert 'data-density="comfortable"' in browser.get("/account/profile").text
    answer = browser.post("/account/profile", name="Dora", is_compact="true", version="1")
    assert (answer.status_code, answer.location) == (303, "/account/profile")
    for page in (browser.get("/account/profile"), form(dora).get("/tasks"), form(dora).get("/w?p=tasks")):
        assert page.text.count('data-density="compact"') == 1
        assert "Cookie" in page.headers["Vary"]
    assert 'name="is_compact" value="true" checked' in browser.get("/account/profile").text
    for page in (form(alice).get("/tasks"), web_app.test_client().get("/sign-in"), browser.get("/offline")):
        assert page.text.count('data-density="comfortable"') == 1
    assert browser.post("/account/profile", name="Dora", is_compact="perhaps").status_code == 422
    assert profile(dora).is_compact


def test_what_changes_all_of_a_page_brings_all_of_it_for_htmx_too(browser):
    asked = {"HX-Request": "true", "HX-Request-Type": "full"}
    given = {"name": "Dora", "time_zone": "", "locale": ""}
    for changed in ({"is_compact": "true"}, {"locale": "de-DE"}):
        answer = browser.client.post("/account/profile", data=given | changed, headers=ORIGIN | asked)
        assert answer.headers["HX-Redirect"] == "/account/profile"
    answer = browser.client.post("/account/profile", data=given | {"locale": "de-DE"}, headers=ORIGIN | asked)
    assert answer.status_code == 303


def test_whoever_has_chosen_another_language_is_answered_in_it_at_once(browser):
    given = {"name": "Dora", "time_zone": "", "locale": ""}
    for locale, said in (("de-DE", "Änderungen gespeichert."), ("en-GB", "Changes saved.")):
        browser.post("/account/profile", **given | {"locale": locale})
        assert said in browser.get("/account/profile").text


def test_what_is_emptied_is_that_of_the_organisation_again(browser, dora):
    browser.post("/account/profile", **GIVEN)
    assert browser.post("/account/profile", name="Dorothea", time_zone="", locale="").status_code == 303
    assert (profile(dora).time_zone, profile(dora).locale) == (None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("name", "two\nlines"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("locale", "tlh"),
        ("locale", "de_CH"),
        ("email", "other@acme.example"),
        ("password_hash", "x"),
        ("avatar_id", "00000000-0000-4000-8000-000000000000"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(browser, dora, field, value):
    answer = browser.post("/account/profile", **GIVEN | {field: value})
    assert answer.status_code == 422
    assert "There is something to correct" in answer.text
    assert (profile(dora).name, profile(dora).version) == ("Dora", 1)


def test_the_second_of_two_windows_is_shown_what_the_first_has_saved(browser):
    assert browser.post("/account/profile", **GIVEN, version="1").status_code == 303
    clash = browser.post("/account/profile", **GIVEN | {"name": "Dolly"}, version="1")
    assert clash.status_code == 409
    assert "Jemand anders hat dies gespeichert" in clash.text  # they have just chosen German
    assert "Dorothea" in clash.text
    assert 'value="Dolly"' in clash.text


def test_another_name_is_told_to_every_organisation_and_what_concerns_one_alone_to_none(browser, dora, form, alice):
    browser.post("/account/profile", name="Dora", time_zone="Europe/Zurich")
    assert trail(dora) == []
    browser.post("/account/profile", name="Dorothea", time_zone="Europe/Zurich")
    browser.post("/account/profile", name="Dorothea", time_zone="Europe/Zurich")
    assert trail(dora) == ["user.renamed"]
    assert events(dora) == ["user.signed_in", "user.settings_changed", "user.renamed"]
    told = form(alice).get(f"/audit?object={dora.user_id}").text
    assert "<del>Dora</del>" in told
    assert "<ins>Dorothea</ins>" in told


def test_an_uploaded_picture_is_shown_small_and_to_colleagues(browser, dora, form, alice):
    assert picture_on(browser.get("/account/profile").text) is None
    assert upload(browser, a_picture("JPEG", (900, 600)), "me.jpg", "image/jpeg").status_code == 303
    own = picture_on(browser.get("/account/profile").text)
    answer = browser.get(own)
    assert (answer.status_code, answer.mimetype) == (200, "image/webp")
    assert Image.open(io.BytesIO(answer.data)).size == (256, 256)
    theirs = picture_on(form(alice).get(f"/people/{dora.user_id}").text)
    assert form(alice).client.get(theirs).data == answer.data
    assert theirs in form(alice).get("/people").text
    assert trail(dora) == ["user.avatar_changed"]


def test_a_picture_is_kept_by_its_readers_browser_alone_and_can_do_nothing(browser, dora):
    answer = browser.get(f"/account/profile/picture/{an_avatar(dora)}")
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["Content-Disposition"].startswith("inline;")
    again = browser.client.get(answer.request.path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_another_picture_has_another_address_and_the_old_one_is_gone(browser, dora):
    first = an_avatar(dora)
    upload(browser, a_picture("WEBP", color="gold"))
    second = profile(dora).avatar_id
    assert first != second
    assert browser.get(f"/account/profile/picture/{first}").status_code == 404
    assert browser.get(f"/account/profile/picture/{second}").status_code == 200


def test_a_picture_that_was_removed_is_nowhere_any_more(browser, dora, form, alice):
    shown = an_avatar(dora)
    for _again in range(2):
        assert browser.post("/account/profile/picture/deletion").status_code == 303
    assert browser.get(f"/account/profile/picture/{shown}").status_code == 404
    assert form(alice).get(f"/people/{dora.user_id}/picture/{shown}").status_code == 404
    assert profile(dora).avatar_id is None
    assert db.session.get(UserAvatar, dora.user_id) is None
    page = browser.get("/account/profile").text
    assert picture_on(page) is None
    assert re.search(r'<span class="avatar avatar--hue-\d avatar--large" aria-hidden="true">D</span>', page)


def test_what_is_stored_is_sealed(dora):
    an_avatar(dora)
    kept = db.session.scalars(select(UserAvatar).filter_by(user_id=dora.user_id)).one()
    assert b"WEBP" not in kept.sealed_image
    assert kept.opened()[8:12] == b"WEBP"


def test_nobody_elsewhere_sees_a_picture_nor_does_one_see_it_of_who_has_left(form, api, web_app, acme, alice, mallory):
    dora = newcomer(acme)
    shown = an_avatar(dora)
    path = f"/people/{dora.user_id}/picture/{shown}"
    assert form(alice).get(path).status_code == 200
    assert form(mallory).get(path).status_code == 404
    assert web_app.test_client().get(form(alice).at(path)).status_code == 303
    assert Seat(web_app, newcomer(acme)).sign_in().get(f"/account/profile/picture/{shown}").status_code == 404
    form(alice).post(f"/people/{dora.user_id}/deactivation")
    assert form(alice).get(path).status_code == 404
    assert picture_on(form(alice).get("/people").text) is None


def test_whoever_may_not_see_who_works_here_sees_no_picture_but_their_own(form, acme, alice):
    dora, eve = newcomer(acme, role=None), newcomer(acme)
    hers, shown = an_avatar(dora), an_avatar(eve)
    assert form(dora).get(f"/people/{dora.user_id}/picture/{hers}").status_code == 200
    assert form(dora).get(f"/people/{eve.user_id}/picture/{shown}").status_code == 404


def test_pictures_stand_beside_what_people_say_and_do(form, acme):
    dora = newcomer(acme)
    task = a_task(dora)
    form(dora).post(f"/tasks/{task.id}/comments", body="Done.")
    form(dora).post(f"/tasks/{task.id}/assignment", user_id=dora.user_id)
    shown = an_avatar(dora)
    page = form(dora).get(f"/tasks/{task.id}").text
    assert page.count(f'src="{form(dora).at(f"/people/{dora.user_id}/picture/{shown}")}"') == 3


@pytest.mark.parametrize(
    ("file", "name", "kind"),
    [
        (SVG, "me.png", "image/png"),
        (SVG, "me.svg", "image/svg+xml"),
        (b"<!doctype html><script>alert(1)</script>", "me.png", "image/png"),
        (a_picture("GIF"), "me.gif", "image/gif"),
        (a_picture("PNG")[:40], "me.png", "image/png"),
        (b"\xff\xfe\x00 no text either", "me.png", "text/plain; charset=utf-8"),
        (b"", "me.png", "image/png"),
    ],
)
def test_what_is_no_picture_is_refused_whatever_it_calls_itself(browser, dora, file, name, kind):
    answer = upload(browser, file, name, kind)
    assert answer.status_code == 422
    assert 'id="f-picture-wrong"' in answer.text
    assert "alert(" not in answer.text
    assert profile(dora).avatar_id is None


def test_a_refused_picture_leaves_the_one_before(browser, dora):
    shown = an_avatar(dora)
    assert upload(browser, SVG).status_code == 422
    assert profile(dora).avatar_id == shown


@pytest.mark.parametrize("name", ["../../passwd", "C:\\me.png", "x" * 5000 + ".png", "me.php\x00.png", "\u202egnp.me"])
def test_the_name_of_a_file_means_nothing(browser, dora, name):
    assert upload(browser, a_picture(), name).status_code == 303
    assert browser.get(f"/account/profile/picture/{profile(dora).avatar_id}").status_code == 200


def test_a_file_that_is_too_large_is_said_to_be(browser, dora):
    answer = upload(browser, a_picture() + bytes(MOST_BYTES))
    assert answer.status_code in (413, 422)
    assert 'id="f-picture-wrong"' in answer.text
    far_too_large = upload(browser, bytes(MOST_BYTES + 1024 * 1024))
    assert far_too_large.status_code == 413
    assert 'id="f-picture-wrong"' in far_too_large.text
    assert profile(dora).avatar_id is None


def test_a_form_without_a_file_or_with_more_than_one_is_refused(browser, dora):
    path, more = "/account/profile/picture", {"headers": ORIGIN, "environ_overrides": {"REMOTE_ADDR": browser.address}}
    assert browser.client.post(path, data={"picture": "no file"}, **more).status_code == 415
    two = {"picture": [(io.BytesIO(a_picture()), "a.png"), (io.BytesIO(a_picture()), "b.png")]}
    assert browser.client.post(path, data=two, content_type="multipart/form-data", **more).status_code == 422
    other = {"avatar": (io.BytesIO(a_picture()), "a.png")}
    assert browser.client.post(path, data=other, content_type="multipart/form-data", **more).status_code == 422
    assert profile(dora).avatar_id is None


def test_a_picture_cannot_be_put_there_by_another_site(browser, dora):
    answer = browser.client.post(
        "/account/profile/picture",
        data={"picture": (io.BytesIO(a_picture()), "me.png")},
        content_type="multipart/form-data",
        headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 403
    assert profile(dora).avatar_id is None


def test_uploads_are_counted_before_they_are_looked_at(browser):
    answers = [upload(browser, SVG).status_code for _ in range(21)]
    assert answers == [422] * 20 + [429]
