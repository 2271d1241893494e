"""Whoever comes first waits no longer than the next: what is slow once is done before a process is there."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment
from sqlalchemy import event

import app as oversing
from app import create_app, serving
from app.core import tenancy
from app.core.database import db
from app.web.elements import ELEMENTS, Writer, the_system
from app.web.kept_templates import KeptTemplates
from app.web.live_judge import Judge
from tests.factories import a_program, a_task
from tests.security.test_side_doors import NOWHERE

ROOT = Path(oversing.__file__).resolve().parents[1]


@pytest.fixture
def unmade(monkeypatch):
    """A way to let no template be read or made any more."""

    def stop(pages):
        monkeypatch.setattr(pages.jinja_env, "auto_reload", False)  # as where it serves people
        monkeypatch.setattr(pages.jinja_env.loader, "load", lambda _env, name, *_more: pytest.fail(f"{name} came late"))

    return stop


def test_web_has_every_template_at_hand_before_it_is_asked(web_app, alice, form, monkeypatch, unmade):
    monkeypatch.setattr(oversing, "create_app", lambda: web_app)
    web_app.jinja_env.cache.clear()
    runpy.run_path(str(ROOT / "wsgi.py"))
    unmade(web_app)
    program = a_program(alice)
    task = a_task(alice, program)
    for path in (f"/tasks/{task.id}", f"/programs/{program.id}/board", f"/w?p=tasks&p=programs/{program.id}"):
        assert form(alice).get(path).status_code == 200


def test_live_makes_no_template_for_the_first_element(web_app, alice, unmade):
    task = a_task(alice, a_program(alice))
    pages = serving._written_pages(web_app.config["SETTINGS"])
    unmade(pages)
    for element in frozenset(ELEMENTS.values()):
        with tenancy.entered(db.session, alice.actor.tenant_id):
            context = element.context(the_system(alice.actor.tenant_id), task.id)
        assert task.name in Writer(pages).write(element, task.id, alice.actor, context)


def test_live_has_asked_everything_once_before_it_tells_of_an_element(app):
    asked = []

    def note(_connection, _cursor, statement, *_rest):
        asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        Judge(app, None, None, None).rehearse()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    text = "\n".join(asked)
    for part in ("FROM tasks", "FROM user_sessions", "roles_of_people"):
        assert part in text


def test_live_comes_up_while_its_database_is_away(play_stage):
    away = create_app("web", **play_stage.settings | {"database_url": NOWHERE})
    Judge(away, None, None, None).rehearse()


def page(folder, words, settings="as ever"):
    """A page as a process that has just begun shows it, and how many templates it had to make."""
    made = []

    class Jinja(Environment):
        def compile(self, source, *more, **named):
            made.append(source)
            return super().compile(source, *more, **named)

    jinja = Jinja(loader=DictLoader({"page": words}), bytecode_cache=KeptTemplates(folder, settings), autoescape=True)
    return jinja.get_template("page").render(name="<Alice>"), len(made)


def test_what_was_made_of_a_template_is_read_by_the_next_process(tmp_path):
    folder = tmp_path / "kept"
    assert page(folder, "Hello {{ name }}") == ("Hello &lt;Alice&gt;", 1)
    assert page(folder, "Hello {{ name }}") == ("Hello &lt;Alice&gt;", 0)
    assert page(folder, "Goodbye {{ name }}") == ("Goodbye &lt;Alice&gt;", 1)
    assert page(folder, "Goodbye {{ name }}", settings="changed") == ("Goodbye &lt;Alice&gt;", 1)


@pytest.mark.parametrize("spoilt", [b"", b"j2", b"not what anybody has made"])
def test_what_cannot_be_read_is_made_anew(tmp_path, spoilt):
    page(tmp_path, "Hello {{ name }}")
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:-20] if spoilt == b"j2" else spoilt)
    assert page(tmp_path, "Hello {{ name }}") == ("Hello &lt;Alice&gt;", 1)
    assert page(tmp_path, "Hello {{ name }}") == ("Hello &lt;Alice&gt;", 0)


def test_pages_are_shown_where_nothing_can_be_kept(tmp_path):
    nowhere = tmp_path / "gone" / "kept"
    assert page(nowhere, "Hello {{ name }}") == page(nowhere, "Hello {{ name }}") == ("Hello &lt;Alice&gt;", 1)
