"""Every text that people see is marked, and each catalogue has words for all of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest
from babel.messages.catalog import Catalog
from jinja2 import nodes

from app.core import errors
from app.core.languages import FOLDER, catalogue_of
from app.local import catalogues
from tests.structure.sources import files, for_each, name_of, tree
from tests.structure.test_templates import NAMES, jinja, source_of, tree_of

LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.po"))
SHOWN = [name for name in NAMES if not name.startswith("styleguide/")]  # English only: it is for who makes pages
HOLES = re.compile(r"%\(\w+\)s|\{\w*\}")
MARKS = {"_", "gettext", "ngettext", "phrase", "counted", "plural"}
# What reads the same in every language: names, formats, what is typed as it stands.
AS_IT_STANDS = re.compile(
    r"Oversing|UTC|JSON( Lines)?|CSV|Authorization: Bearer|python -m runcible verify FILE --trust-root FILE"
)


@cache
def marked() -> Catalog:
    return catalogues.collected()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_complete(language):
    """`make messages` brings new texts into it, and takes out what is said no more."""
    catalogue = catalogues.read(FOLDER / f"{language}.po")
    ids = {message.id for message in catalogue if message.id}
    assert {message.id for message in marked() if message.id} == ids
    assert [message.id for message in catalogue if message.id and not catalogues.is_said(message.string)] == []
    assert [message.id for message in catalogue if message.fuzzy and message.id] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_filled_in_is_filled_in_there_too(language):
    wrong = {}
    for message in catalogues.read(FOLDER / f"{language}.po"):
        given = [message.id] if isinstance(message.id, str) else list(message.id)
        said = [message.string] if isinstance(message.string, str) else list(message.string)
        holes = {frozenset(HOLES.findall(text)) for text in given}
        if given[0] and any(frozenset(HOLES.findall(text)) not in holes for text in said):
            wrong[given[0]] = said
        if given[0].strip() != given[0] and any(text.strip() == text for text in said):
            wrong[given[0]] = said
    assert wrong == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_compiled(language):
    assert catalogue_of(language) is not None


def unmarked_in(name: str) -> Iterator[str]:
    """The words of a template that stand there in English alone."""
    template = tree_of(name)
    said = {
        id(each)
        for call in template.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in MARKS
        for each in call.find_all((nodes.Const, nodes.TemplateData))
    }
    for const in template.find_all(nodes.Const):
        if isinstance(const.value, str) and id(const) not in said and re.search(r"^[A-Z][a-z]+( |$)", const.value):
            yield const.value
    source = re.sub(r"\{#.*?#\}|\{%-?\s*trans\b.*?endtrans\s*-?%\}", "", source_of(name), flags=re.DOTALL)
    source = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", source, flags=re.DOTALL)
    for text in re.sub(r"<[^>]*>", "\n", source).splitlines():
        if re.search(r"[^\W\d_]{2,}", AS_IT_STANDS.sub("", text)) and not re.search(r'="', text):
            yield text.strip()
    for text in re.findall(r'\b(?:aria-label|aria-description|title|placeholder|alt)="([^"]+)"', source):
        if re.search(r"[^\W\d_]{2,}", text):
            yield text


@for_each(name=SHOWN)
def test_a_template_says_nothing_in_english_alone(name):
    assert [text for text in unmarked_in(name) if text not in ("bare",)] == []


REFUSALS = {name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, Exception)}


def unmarked_refusals() -> Iterator[str]:
    """Sentences in Python that somebody will read, and that are not marked."""
    for path in files("app/core", "app/models", "app/schemas", "app/queries", "app/commands", "app/web"):
        if path.name == "styleguide.py":
            continue
        raising = REFUSALS | ({"ValueError"} if path.parent.name == "schemas" else set())
        for node in ast.walk(tree(path)):
            given: list[ast.AST] = []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in raising:
                given = [*node.args, *(each.value for each in node.keywords if each.arg == "message")]
            elif isinstance(node, ast.ClassDef):
                given = [
                    each.value
                    for each in node.body
                    if isinstance(each, ast.Assign | ast.AnnAssign)
                    and each.value is not None
                    and "message" in ast.unparse(each).partition("=")[0]
                ]
            for each in given:
                yield from (f"{name_of(path)}: {text}" for text in sentences(each))


def sentences(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
        return
    if isinstance(node, ast.JoinedStr):
        yield ast.unparse(node)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
        yield node.value
    else:
        for each in [*getattr(node, "values", ()), getattr(node, "body", None), getattr(node, "orelse", None)]:
            if isinstance(each, ast.AST):
                yield from sentences(each)


def test_no_refusal_is_written_in_english_alone():
    assert list(unmarked_refusals()) == []


def test_what_is_made_once_for_all_readers_says_nothing():
    """A module of macros is kept: what stands outside of its macros would stay in the language of its first reader."""
    imports = [each.template for name in NAMES for each in tree_of(name).find_all(nodes.FromImport)]
    taken = {template.value for template in imports if isinstance(template, nodes.Const)}
    wrong = []
    for name in taken & set(NAMES):
        outside = [each for each in tree_of(name).body if not isinstance(each, nodes.Macro)]
        wrong += [
            name
            for each in outside
            if not isinstance(each, nodes.Output | nodes.If | nodes.For)
            for call in each.find_all(nodes.Call)
            if getattr(call.node, "name", "") in MARKS
        ]
    assert wrong == []


@pytest.mark.parametrize("text", ["<p>Some words</p>", '<p title="Some words">', "{{ 'Some words' }}"])
def test_the_lint_itself_finds_what_is_not_marked(text, monkeypatch):
    monkeypatch.setitem(globals(), "source_of", lambda _name: text)
    monkeypatch.setitem(globals(), "tree_of", lambda _name: jinja.parse(text))
    assert list(unmarked_in("any"))
