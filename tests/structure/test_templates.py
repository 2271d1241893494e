"""What every template keeps to: no script or style of its own, htmx 4 and not 2, forms that work without a script."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined, meta, nodes

from app.web.assets import ICONS, MODULES
from tests.structure.sources import for_each

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "app" / "templates"
SCRIPTS = ROOT / "app" / "static" / "js"
NAMES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.html"))
HOLE = "…"  # stands for whatever Jinja will write there

jinja = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    extensions=["jinja2.ext.i18n"],
    trim_blocks=True,
    lstrip_blocks=True,
)

# Gone or renamed since htmx 2: silently without effect, or with another one.
OF_HTMX_2 = {
    "hx-disabled-elt", "hx-disinherit", "hx-ext", "hx-history", "hx-inherit", "hx-params", "hx-prompt", "hx-request",
    "hx-sse", "hx-vars", "hx-ws", "sse-connect", "sse-swap", "ws-connect", "ws-send",
}  # fmt: skip
# Alive in htmx 4, but not for us: they need eval, ask through window.confirm, or do nothing without a script.
NOT_FOR_US = {"hx-confirm", "hx-delete", "hx-headers", "hx-live", "hx-patch", "hx-put", "hx-query", "hx-vals"}


class Tags(HTMLParser):
    """The start tags of a template, with the Jinja taken out."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", HOLE, source, flags=re.DOTALL))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name.strip(HOLE): value or "" for name, value in attrs}))


def wrong_with(source: str) -> Iterator[str]:
    """Every rule that a template breaks, in words."""
    for tag, attributes in Tags(source).found:
        yield from wrong_with_tag(tag, attributes)
    if re.search(r"\|\s*safe\b", source):
        yield "|safe hands on what nobody escaped"
    if "autoescape" in source:
        yield "autoescape stays on"
    for written in re.finditer(r"(.{0,40})\{\{[^}]*\|\s*markdown\s*\}\}", source):
        if not re.search(r"\bhx-ignore>$", written[1]):
            yield "a person's Markdown stands in an element with hx-ignore"


# What writes a moment: in the zone and manner of whoever looks, or in UTC where the page says so (app/web/dates.py).
WRITERS = {"attested", "day", "moment", "second", "utc_moment", "utc_second"}
MOMENT = re.compile(r"_at$|_since$|^when$|^(time|date)$")


def bare_moments(node: nodes.Node) -> Iterator[str]:
    """The moments that an expression would print as they are."""
    if isinstance(node, nodes.Filter) and node.name in WRITERS:
        return
    if isinstance(node, nodes.Test | nodes.Compare | nodes.Not):
        return  # asked about, not shown
    if isinstance(node, nodes.CondExpr):
        shown: list[nodes.Node | None] = [node.expr1, node.expr2]
    else:
        shown = list(node.iter_child_nodes())
        name = node.attr if isinstance(node, nodes.Getattr) else node.name if isinstance(node, nodes.Name) else ""
        if MOMENT.search(name):
            yield name
    for child in shown:
        if child is not None:
            yield from bare_moments(child)


def wrong_with_moments(tree: nodes.Template) -> Iterator[str]:
    """Moments that a template writes by hand, or not at all in the manner of whoever reads them."""
    for output in tree.find_all(nodes.Output):
        for shown in output.nodes:
            for name in bare_moments(shown):
                yield f"{name} is shown as it is: {{{{ {name} | moment }}}} writes it as its reader does"
    for called in tree.find_all(nodes.Call):
        if isinstance(called.node, nodes.Getattr) and called.node.attr in ("strftime", "isoformat", "astimezone"):
            yield f"{called.node.attr} writes a moment by hand"
    for written in tree.find_all(nodes.TemplateData):
        if "<time" in written.data:
            yield "<time> is written by a filter, which knows the zone"


def wrong_with_tag(tag: str, attributes: dict[str, str]) -> Iterator[str]:
    if tag == "style" or "style" in attributes:
        yield "style belongs into app/static/css"
    if tag == "script" and "src" not in attributes:
        yield "script belongs into app/static/js"
    for name, value in attributes.items():
        plain = name.split(":")[0]
        if re.fullmatch(r"on[a-z]+", name) or plain == "hx-on":
            yield f"{name} is a script in the markup"
        if re.match(r"\s*(js|javascript):", value):
            yield f"{name} holds a script"
        if plain in OF_HTMX_2 or (name == "hx-disable" and not value):
            yield f"{name} is of htmx 2"
        if plain in NOT_FOR_US:
            yield f"{name} is not for us"
    yield from wrong_with_swap(attributes)
    if tag == "form":
        yield from wrong_with_form(attributes)
    elif "hx-post" in attributes:
        yield "hx-post stands on a real form, or it does nothing without a script"


def wrong_with_swap(attributes: dict[str, str]) -> Iterator[str]:
    if "[" in attributes.get("hx-trigger", ""):
        yield "a filter in hx-trigger needs eval"
    for name in ("hx-swap", "hx-swap:inherited"):
        if re.search(r"morph:|^morph\b|(show|scroll):[#.]|focus-scroll", attributes.get(name, "")):
            yield f"{name} is of htmx 2"
    target = attributes.get("hx-target", "")
    if target and target != "this" and not target.startswith(("#", HOLE)):
        yield "hx-target names an id or this: one that matches nothing puts the answer into what was clicked"
    if "hx-get" in attributes and not attributes.get("hx-sync"):
        yield "hx-get has a queue of its own, or it breaks off the reader's next page"


def wrong_with_form(attributes: dict[str, str]) -> Iterator[str]:
    if not attributes.get("action"):
        yield "a form says where it goes"
    if attributes.get("method", "get") not in ("get", "post"):
        yield "a form knows get and post only"
    if attributes.get("method") == "post" and attributes.get("hx-boost") != "false":
        if attributes.get("hx-sync") != "drop":
            yield 'a form that changes something has hx-sync="drop", or a double click sends it twice'
        if attributes.get("hx-post", attributes.get("action")) != attributes.get("action"):
            yield "hx-post and action name the same address"


@cache
def source_of(name: str) -> str:
    return (FOLDER / name).read_text("utf-8")


@cache
def tree_of(name: str) -> nodes.Template:
    return jinja.parse(source_of(name), name)


def given_by(name: str) -> set[str]:
    """What a template offers to those that import from it."""
    body = tree_of(name).body
    return {each.name for each in body if isinstance(each, nodes.Macro)} | {
        each.target.name for each in body if isinstance(each, nodes.Assign) and isinstance(each.target, nodes.Name)
    }


def parts_of(name: str) -> set[str]:
    """The templates whose markup stands in one page: itself, what it includes, what it extends."""
    taken = [each.template.value for each in tree_of(name).find_all((nodes.Include, nodes.Extends))]
    return {name, *(part for each in taken for part in parts_of(each))}


def words_of(name: str) -> set[str]:
    return {each.value for each in tree_of(name).find_all(nodes.Const) if isinstance(each.value, str)}


def test_there_are_templates_to_look_at():
    assert len(NAMES) > 40


@for_each(name=NAMES)
def test_it_keeps_the_rules(name):
    assert list(wrong_with(source_of(name))) == []


@for_each(name=NAMES)
def test_every_moment_is_written_for_whoever_reads_it(name):
    assert list(wrong_with_moments(tree_of(name))) == []


@pytest.mark.parametrize(
    "source",
    [
        "{{ task.created_at }}",
        "{{ _('Since') ~ ways.app_since }}",
        "{{ 'on %s' | format(task.created_at) }}",
        "{{ task.created_at if task.created_at else '–' }}",
        "{{ task.created_at.strftime('%d %b') }}",
        "{{ row(task.created_at) }}",
        "{% trans moment=task.created_at %}on {{ moment }}{% endtrans %}",
        "<time>{{ task.created_at | moment }}</time>",
    ],
)
def test_the_lint_itself_finds_a_moment_written_by_hand(source):
    assert list(wrong_with_moments(jinja.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "{{ task.created_at | moment }}",
        "{{ 'on %s' | format(task.created_at | day | striptags) }}",
        "{{ _('yes') if task.created_at else _('no') }}",
        "{{ _('yes') if task.created_at is none else task.created_at | second }}",
        "{% if task.created_at %}{{ _('yes') }}{% endif %}",
        "{% trans moment=task.created_at | utc_moment %}on {{ moment }} (UTC){% endtrans %}",
    ],
)
def test_the_lint_itself_lets_a_written_moment_pass(source):
    assert list(wrong_with_moments(jinja.parse(source))) == []


def test_no_view_writes_a_moment_by_hand():
    """As templates: what pages show of time comes out of one module. A log or a file name is no page."""
    by_hand = re.compile(r"strftime|\{[^{}\n]*:%[a-zA-Z]|babel\.dates")
    views = [path for room in ("web", "blueprints") for path in (ROOT / "app" / room).rglob("*.py")]
    found = {path.name for path in views if by_hand.search(path.read_text("utf-8"))}
    assert views
    assert found == {"dates.py"}


@pytest.mark.parametrize(
    "source",
    [
        '<p style="color: red">',
        "<style>p {}</style>",
        "<script>go()</script>",
        '<button onclick="go()">',
        '<button hx-on:click="go()">',
        '<button hx-on="click: go()">',
        '<a href="javascript:go()">',
        '<div hx-target="js:go()">',
        '<div hx-get="/x" hx-sync="drop" hx-trigger="click[ctrlKey]">',
        '<div hx-get="/x">',
        '<div hx-vals="js:{a: 1}">',
        '<div hx-ext="ws">',
        "<div hx-disable>",
        '<button hx-disabled-elt="this">',
        '<div hx-swap="morph:outerHTML">',
        '<div hx-swap="innerHTML show:#x:top">',
        '<div hx-target="article">',
        '<button hx-post="/x">',
        '<button hx-delete="/x">',
        '<button hx-confirm="Sure?">',
        '<form method="post" hx-sync="drop">',
        '<form method="post" action="/x">',
        '<form method="post" action="/x" hx-post="/y" hx-sync="drop">',
        '<form method="delete" action="/x">',
        "{{ text | safe }}",
        "{% autoescape false %}{{ text }}{% endautoescape %}",
        '<div class="prose">{{ text | markdown }}</div>',
    ],
)
def test_the_lint_itself_finds(source):
    assert list(wrong_with(source))


@pytest.mark.parametrize(
    "source",
    [
        '<form method="post" action="/x" hx-post="/x" hx-sync="drop">',
        '<form method="get" action="/x">',
        '<form method="post" action="{{ url }}" hx-post="{{ url }}" hx-sync="drop"{% if a %} id="{{ a }}"{% endif %}>',
        '<div class="prose" hx-ignore>{{ text | markdown }}</div>',
        "{{ text | markdown | striptags }}",
        '<article hx-target:inherited="this" hx-swap:inherited="outerMorph">',
    ],
)
def test_the_lint_itself_lets_pass(source):
    assert list(wrong_with(source)) == []


@for_each(name=NAMES)
def test_what_it_takes_from_others_is_there(name):
    tree = tree_of(name)
    named = meta.find_referenced_templates(tree)
    assert [each for each in named if each not in NAMES] == []
    for taken in tree.find_all(nodes.FromImport):
        wanted = {each if isinstance(each, str) else each[0] for each in taken.names}
        assert wanted <= given_by(taken.template.value)
        assert not taken.with_context, "a macro imported with context costs four times as much"


@for_each(name=NAMES)
def test_what_it_takes_from_others_is_used(name):
    used = Counter(each.name for each in tree_of(name).find_all(nodes.Name))
    for taken in tree_of(name).find_all(nodes.FromImport):
        assert [each for each in taken.names if not used[each]] == []


@for_each(name=NAMES)
def test_no_id_stands_in_a_page_twice(name):
    """Over the page with all that it includes. `error-summary` is written by macros, of which a page calls one."""
    ids = Counter(
        attributes["id"]
        for part in parts_of(name)
        for _tag, attributes in Tags(source_of(part)).found
        if attributes.get("id") and HOLE not in attributes["id"]
    )
    assert [each for each, times in ids.items() if times > 1] == []


@for_each(name=[name for name in NAMES if Path(name).name.startswith("_") and "layouts" not in name])
def test_a_fragment_stands_alone(name):
    """It is an answer of its own, so it extends nothing, and says in its first line what it needs."""
    assert not list(tree_of(name).find_all(nodes.Extends))
    assert source_of(name).startswith("{#")


def test_every_icon_in_the_sprite_is_shown_somewhere():
    shown = set().union(*map(words_of, NAMES))
    assert sorted(set(ICONS) - shown) == []


def test_every_icon_that_is_shown_is_in_the_sprite():
    """Names with a hyphen are recognised anywhere; others where a macro draws them."""
    drawing = {"icon": 0, "mark": 1, "empty_state": 0, "notice": 1, "button": 2, "link_button": 3}
    drawn = {
        call.args[drawing[call.node.name]].value
        for name in NAMES
        for call in tree_of(name).find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and len(call.args) > drawing.get(call.node.name, 99)
        if isinstance(call.args[drawing[call.node.name]], nodes.Const)
    }
    lucide = {path.stem for path in (MODULES / "lucide-static" / "icons").glob("*-*.svg")}
    assert lucide, "npm has not installed lucide-static"
    drawn |= {word for name in NAMES for word in words_of(name) & lucide}
    assert sorted(drawn - {None} - set(ICONS)) == []


@for_each(path=sorted(SCRIPTS.rglob("*.js")))
def test_a_script_writes_text_not_markup(path):
    forbidden = (
        r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|new Function)\b|\b(confirm|alert|prompt)\("
    )
    assert re.findall(forbidden, path.read_text("utf-8")) == []
