"""Every operation is a command that asks for a permission, says who acts, and can be reached from somewhere."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from itertools import pairwise

from app import commands as room
from app.core.roles import PERMISSIONS, SHIPPED_ROLES, SYSTEM_PERMISSIONS
from tests.structure.sources import ROOT, called, calls, files, for_each, name_of, names_used, tree

# Public functions that are no operation of their own: they run inside of one, or change nothing.
NO_COMMANDS = {
    "api_keys.revoke_keys_of": "the end of a membership asks for the permission, and ends the keys with it",
    "access_grants.refuse_unless_all_managed": "asks whether all that a group brings may be given; changes nothing",
    "access_grants.refuse_unless_managed": "asks whether a role may be given; changes nothing",
    "access_grants.require_person": "asks whether somebody works here; changes nothing",
    "access_grants.refuse_without_owner": "asks whether an owner is left; changes nothing",
    "accounts.set_own_password": "a part of changing a password, and of setting it anew",
    "accounts.tell_of_new_password": "the same",
    "certifications.happened": "flushes, records and announces for the command that calls it",
    "ended_sessions.end_sessions": "a part of every operation that ends sessions",
    "ended_sessions.end_sessions_of": "the same, for all of a person",
    "identity_events.happened": "writes down what a command has done to a person's ways of signing in",
    "sessions.forget_guesses": "a part of setting a password anew",
    "recovery_codes.forget_needless_codes": "a part of removing a way of signing in",
    "recovery_codes.new_recovery_codes": "a part of adding the first second way, and of making new ones",
    "recovery_codes.normalised": "writes a code plainly; changes nothing",
    "recovery_codes.one_at_a_time": "a part of every change of the ways of signing in; changes nothing",
    "recovery_codes.use_recovery_code": "a part of the second step",
    "second_steps.forget_tries": "a part of giving a right code, and of setting a password anew",
    "second_steps.matching_step": "says whose moment a code is of; changes nothing",
    "governance_policies.ship_policies": "a part of making an organisation",
    "tasks.live_task": "fetches with permission for commands about tasks",
    "task_ranks.hold_order": "a part of moving a task, which asks for the permission",
    "task_ranks.place_task": "a part of moving a task, which asks for the permission",
    "tenants.system_actor": "says who acts; changes nothing",
    "workflows.move_instance": "a part of moving a task, which asks for the permission",
    "workflows.create_built_in_workflow": "a part of making an organisation",
    "workflows.no_way": "a sentence",
}
# One's own part of a kind is asked for by its name put together (app/core/permissions.py).
COMING = {
    *("program.view_own", "task.view_own", "certification.view_own", "api_key.view_own"),
}
CAN = re.compile(r"""\bcan\(\s*["']([\w.]+)["']""")
ASKING = {"fetch", "require", "require_in", "require_somewhere", "live_task"}
OUTSIDE = ("app/blueprints", "app/web", "app/jobs", "app/cli.py", "app/local", "app/core/idempotency.py")

MODULES = [importlib.import_module(f"{room.__name__}.{found.name}") for found in pkgutil.iter_modules(room.__path__)]
PUBLIC = {
    f"{module.__name__.rpartition('.')[2]}.{name}": function
    for module in MODULES
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if function.__module__ == module.__name__ and not name.startswith("_")
}
COMMANDS = {name: function for name, function in PUBLIC.items() if getattr(function, "is_command", False)}


def test_there_are_commands_to_look_at():
    assert len(COMMANDS) > 20


def test_every_public_function_is_a_command_or_says_why_not():
    assert set(PUBLIC) - set(COMMANDS) == set(NO_COMMANDS)


@for_each(name=sorted(NO_COMMANDS))
def test_what_is_no_command_is_called_by_commands_only(name):
    if name == "tenants.system_actor":
        return
    function = name.rpartition(".")[2]
    assert [name_of(path) for path in files(*OUTSIDE) if function in names_used(path)] == []


@for_each(name=sorted(COMMANDS))
def test_every_command_asks_for_a_permission_or_says_why_not(name):
    function = COMMANDS[name]
    if function.anyone:
        assert len(function.anyone) > 15, "Say why, as a sentence."
        return
    assert ASKING & {called(call) for call in calls(definition(function))}


@for_each(name=sorted(COMMANDS))
def test_every_command_knows_who_acts(name):
    first = next(iter(inspect.signature(COMMANDS[name]).parameters.values()))
    assert first.name.lstrip("_") in ("actor", "visitor")


@for_each(name=sorted(COMMANDS))
def test_every_command_can_be_reached(name):
    """From a page, the API, a job or the command line: what nobody can call is not there."""
    function = name.rpartition(".")[2]
    assert any(function in names_used(path) for path in files(*OUTSIDE))


def test_every_permission_that_is_asked_for_is_in_the_table():
    for path in files("app/commands", "app/queries", "app/blueprints", "app/web", "app/core"):
        for call in calls(tree(path)):
            if called(call).rpartition(".")[2] in ASKING | {"may", "can"}:
                for argument in call.args:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        assert argument.value in SYSTEM_PERMISSIONS, f"{name_of(path)}:{call.lineno}"


def test_every_permission_of_the_table_is_asked_for_somewhere():
    """A permission that nothing asks for promises what nobody keeps."""
    asked = {
        node.value
        for path in files("app/commands", "app/queries")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert PERMISSIONS.keys() - asked == COMING


def test_templates_ask_for_permissions_of_the_same_table():
    templates = sorted((ROOT / "app" / "templates").rglob("*.html"))
    asked = {found for path in templates for found in CAN.findall(path.read_text())}
    assert asked
    assert asked <= PERMISSIONS.keys()


def test_a_role_that_ships_holds_permissions_of_the_table():
    for role in SHIPPED_ROLES.values():
        assert role.permissions <= PERMISSIONS.keys()
    ladder = [SHIPPED_ROLES[key].permissions for key in ("viewer", "member", "manager", "admin", "owner")]
    assert all(lower < higher for lower, higher in pairwise(ladder))


def definition(function) -> ast.AST:
    """The syntax tree of a function, without what decorates it."""
    module = importlib.import_module(function.__module__)
    path = next(path for path in files("app/commands") if path == ROOT / name_of_module(module.__name__))
    return next(
        node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef) and node.name == function.__name__
    )


def name_of_module(module: str) -> str:
    return module.replace(".", "/") + ".py"


def test_rows_of_sessions_go_in_one_place_only():
    """There their sockets are closed with them."""
    removing = {
        name_of(path)
        for path in files("app")
        for call in calls(tree(path))
        if called(call).rpartition(".")[2] == "delete"
        and any(isinstance(each, ast.Name) and each.id == "UserSession" for each in call.args)
    }
    assert removing == {"app/commands/ended_sessions.py"}
