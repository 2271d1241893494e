"""Who may import whom, and where a thing may be said at all."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.failpoints import POINTS
from tests.structure.sources import ROOT, called, calls, dotted, files, functions, imports, name_of, names_used, tree

INNER = ("app/core", "app/models", "app/schemas", "app/queries", "app/commands", "app/jobs")
DOORS = ("app/blueprints", "app/web")

# Transactions: commands commit by the one decorator; jobs keep their own books, and may end what has only read.
MAY_COMMIT = ("app/core/transaction.py", "app/core/database.py", "app/jobs/")
MAY_READ_ENVIRONMENT = ("app/config.py", "app/local/", "runcible/cli.py")
MAY_ASK_THE_TIME = ("app/core/clock.py", "app/local/", "runcible/cli.py", "app/web/assets.py")  # the age of a file
SECRETS = (r"ovk_live_[A-Za-z0-9_-]{20,}", r"BEGIN [A-Z ]*PRIVATE KEY-----\\n\w", r"postgresql://\w+:[^@{$\s\"']{6,}@")
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "base", "manager", "service"}


def test_the_layers_hold():
    """import-linter, with the contracts of pyproject.toml."""
    script = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([script, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("room", INNER)
def test_the_inner_rooms_know_no_request(room):
    """Flask-SQLAlchemy is the one exception, in the one file that makes the handle of the database."""
    strange = ("flask", "werkzeug", "flask_login", "gunicorn", "jinja2", "markupsafe")
    for path in files(room):
        found = {name.split(".")[0] for name in imports(path)} & {*strange, "flask_sqlalchemy"}
        assert found - {"flask_sqlalchemy"} == set(), name_of(path)
        assert not found or name_of(path) == "app/core/database.py", name_of(path)
        assert not any(name.startswith(("app.web", "app.blueprints")) for name in imports(path)), name_of(path)


def test_only_doors_and_the_factory_import_flask():
    may = (*(f"{door}/" for door in DOORS), "app/__init__.py", "app/making.py", "app/serving.py", "app/cli.py")
    using = [name_of(path) for path in files("app") if any(name.split(".")[0] == "flask" for name in imports(path))]
    assert [name for name in using if not name.startswith(may)] == []


def test_what_only_an_operator_needs_is_loaded_when_they_ask_for_it():
    """Alembic takes a twentieth of the time in which a web process starts."""
    loading = [
        name_of(path)
        for path in files("app")
        if {name.split(".")[0] for name in imports(path)} & {"alembic", "flask_migrate"}
    ]
    assert [name for name in loading if not name.startswith("app/local/")] == []


def test_a_view_changes_nothing_by_itself():
    """Views call commands and queries: no session, no commit, no record, no statement of their own."""
    for path in files("app/blueprints"):
        for call in calls(tree(path)):
            name = called(call)
            assert not name.startswith("db."), f"{name_of(path)}:{call.lineno}"
            assert name not in ("record", "announce", "enqueue", "fetch", "text"), f"{name_of(path)}:{call.lineno}"
            assert not name.endswith(".commit"), f"{name_of(path)}:{call.lineno}"
        assert not any(name.startswith(("app.core.database", "sqlalchemy")) for name in imports(path)), name_of(path)


def test_nothing_commits_but_the_command_and_the_books_of_jobs():
    assert places("commit", "app", "runcible", but=MAY_COMMIT) == []


def test_only_jobs_end_a_transaction_that_has_only_read():
    using = [name_of(path) for path in files("app") if "finish_reading" in names_used(path)]
    assert [name for name in using if not name.startswith("app/jobs/")] == []


def test_nothing_rolls_a_part_back_by_hand():
    assert places("begin_nested", "app", "runcible", but=()) == []


def test_the_environment_is_read_in_one_place():
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in files("app", "runcible")
        if not name_of(path).startswith(MAY_READ_ENVIRONMENT)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and dotted(node) in ("os.environ", "os.getenv", "os.environb")
    ]
    assert found == []


def test_the_time_is_asked_in_one_place():
    """So that a test can stop the clock, and every moment is aware. Measuring a duration is another thing."""
    asking = {"datetime.now", "datetime.utcnow", "datetime.datetime.now", "date.today", "time.time"}
    found = [
        f"{name_of(path)}:{call.lineno}"
        for path in files("app", "runcible")
        if not name_of(path).startswith(MAY_ASK_THE_TIME)
        for call in calls(tree(path))
        if called(call) in asking
    ]
    assert found == []


def test_a_statement_is_never_put_together_from_values():
    """Within a function `text()` takes what stands there or at the head of the file: values go in as parameters."""
    found = [
        f"{name_of(path)}:{call.lineno}"
        for path in files("app")
        if not name_of(path).startswith("app/local/")
        for function in functions(path)
        for call in calls(function)
        if called(call) in ("text", "sqlalchemy.text") and not isinstance(call.args[0], ast.Constant | ast.Name)
    ]
    assert found == []


def test_every_failpoint_is_used_where_the_table_says_and_nowhere_twice():
    used = [
        call.args[0].value
        for path in files("app", "runcible")
        for call in calls(tree(path))
        if called(call).rpartition(".")[2] == "failpoint" and isinstance(call.args[0], ast.Constant)
    ]
    assert sorted(used) == sorted(POINTS)


def test_no_room_is_called_after_nothing():
    """A helper is named for its idea, or lives where it is used."""
    assert [name_of(path) for path in files("app", "runcible") if path.stem in VAGUE] == []


def test_nothing_is_imported_to_dodge_a_circle():
    """No import inside of a function. (`app/local` starts programs, and imports what the one at hand needs.)"""
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in files("app", "runcible", "migrations")
        if not name_of(path).startswith("app/local/")
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert found == []


def test_no_secret_is_written_into_the_source():
    """Nothing that looks like a key, a private key or a password of ours stands in a file that is shipped."""
    shapes = re.compile(
        r"ovk_live_[A-Za-z0-9_-]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY-----\\n[A-Za-z0-9]|postgresql://\w+:[^@{$\s\"']{6,}@"
    )
    found = [name_of(path) for path in files("app", "runcible", "migrations") if shapes.search(path.read_text())]
    assert found == []


def places(method: str, *rooms: str, but: tuple[str, ...]) -> list[str]:
    """Where a method of this name is called, except in `but`."""
    return [
        f"{name_of(path)}:{call.lineno}"
        for path in files(*rooms)
        if not name_of(path).startswith(but)
        for call in calls(tree(path))
        if isinstance(call.func, ast.Attribute) and call.func.attr == method
    ]
