"""The component library shows every component, and is there for nobody who uses the product."""

from __future__ import annotations

import pytest
from jinja2 import nodes

from app import create_app
from app.config import Settings
from tests import stage
from tests.structure.test_templates import NAMES, tree_of

COMPONENTS = [name for name in NAMES if name.startswith("components/")]
LIBRARY = [name for name in NAMES if name.startswith("styleguide/")]
OF_PAGES = [name for name in NAMES if not name.startswith(("components/", "styleguide/"))]

# Pieces of attributes and of fields, which are seen only in what is made with them.
IN_PIECES = {"described", "label_and_hint", "state_shape", "state_tone", "task_rows", "what_is_wrong"}


def called_in(node: nodes.Node) -> set[str]:
    return {call.node.name for call in node.find_all(nodes.Call) if isinstance(call.node, nodes.Name)}


def taken_by(names: list[str]) -> set[str]:
    """What templates import from the components."""
    return {
        each if isinstance(each, str) else each[0]
        for name in names
        for taken in tree_of(name).find_all(nodes.FromImport)
        if taken.template.value in COMPONENTS
        for each in taken.names
    }


def test_every_component_is_shown():
    macros = {macro.name: macro for name in COMPONENTS for macro in tree_of(name).find_all(nodes.Macro)}
    assert len(macros) > 30
    shown = set().union(*(called_in(tree_of(name)) for name in LIBRARY))
    missing = {name for name in macros if name in taken_by(OF_PAGES)} - shown - IN_PIECES
    assert missing == set(), "Pages use it, and the component library does not show it."
    reached, grown = set(), shown & macros.keys()
    while grown:
        reached |= grown
        grown = set().union(*(called_in(macros[name]) for name in reached)) & macros.keys() - reached
    assert macros.keys() - reached == set(), "Nothing on the page is made with it."


def test_it_is_closed_unless_somebody_opens_it(play_stage: stage.Stage):
    """What a process is not told is off: the address is not there at all."""
    assert Settings.model_fields["styleguide"].default is False
    closed = create_app("web", **play_stage.settings | {"styleguide": False})
    assert "styleguide.index" not in closed.view_functions
    assert closed.test_client().get("/styleguide", headers={"Host": "localhost"}).status_code == 404


def test_it_cannot_be_opened_where_people_work():
    with pytest.raises(ValueError, match="STYLEGUIDE"):
        Settings(base_url="https://oversing.example", styleguide=True)
