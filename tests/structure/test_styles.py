"""What every style sheet keeps to: sides that turn around with the page, and sizes of the one scale."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.structure.sources import for_each

CSS = Path(__file__).resolve().parents[2] / "app" / "static" / "css"
SHEETS = sorted(path for path in CSS.rglob("*.css"))
# The one place of a thing that a script moves by pixels, which count from the left whatever the page is read like.
FOLLOW_A_POINTER = (".ghost", ".cursor", ".cursor__name")
SIDES = re.compile(
    r"(?<![\w-])((margin|padding|border|scroll-(margin|padding))-(left|right)|(?<!inset-inline-)(left|right)\s*:"
    r"|(text-align|float|clear)\s*:\s*(left|right)|border-(top|bottom)-(left|right)-radius)"
)
SIZE = re.compile(r"font-size:\s*([^;}]+)")
OF_THE_SCALE = re.compile(r"var\(--text-(xs|s|m|l|xl)\)|inherit|0?\.\d+em|clamp\([^)]*var\(--text-xl\)\)")
AFTER_ANY = re.compile(r"[+~]\s*\*|[+~][^,+~]*>\s*\*|\*\s*[+~]")
ANY_OF_SEVERAL = re.compile(r"(?:^|[\s,>+~]):(?:is|where)\([^()]*\)\s*[>\s]\s*(?:\*|:[\w-]+(?:\([^()]*\))?)\s*(?:,|$)")
BRACKETS = re.compile(r"(:[\w-]+)?\(([^()]*)\)")
LOOKS = "!"  # in place of `:has(...)`
AROUND_PANELS = re.compile(rf"(?:\b(?:html|body)|:root|\.(?:main|desk|place|pane))[^\s>+~,]*{LOOKS}[^\s>+~,]*[\s>+~]")
IN_A_DISC = (".avatar", ".here__more")  # letters as large as their disc lets them be

ROOM = re.compile(r"(?<![\w-])(?:(?:scroll-)?(?:margin|padding)(?:-[\w-]+)?|(?:row-|column-)?gap)\s*:\s*([^;}]+)")
RAW = re.compile(r"(?<![\w.-])-?(?:\d*\.)?\d+(?:rem|px)(?![\w-])")
A_HAIR = {"1px", "-1px", "2px", "-2px"}  # the width of a line that something makes up for
# Where a distance is that of something else, and not one between two things.
OF_SOMETHING_ELSE = {
    "below a bar that is fixed": {".main", "html", ".place"},
    "room into which a menu opens": {".board__columns:has(.menu[open])"},
    "beside the faces of those who are here": {
        ".head:has(> .here) > .breadcrumb", ".head:not(.pane *):has(> .here) > .breadcrumb",
    },
    "half the width of what lies on an edge": {".splitter"},
    "on the line of a letter": {".choice input", ".notice > .icon"},
    "the edge of a mark": {".mark--chip", ".tag"},
    "beside the handle by which a row is taken": {
        ".list:has(.grab) :is(th, td):first-child", ".list--folds tr:has(.grab)",
    },
    "under the icons of the menu": {".account .button"},
    "as high as a finger": {".toast p"},
}  # fmt: skip
SPARED = set().union(*OF_SOMETHING_ELSE.values())


def rules(path: Path) -> list[tuple[str, str]]:
    """Selector and declarations of each rule."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
    return [(selector.strip(), body) for selector, body in re.findall(r"([^{};]+)\{([^{}]*)\}", text)]


def wrong_sides(path: Path) -> list[str]:
    return [
        f"{selector}: {found[0]}"
        for selector, body in rules(path)
        for found in SIDES.finditer(body)
        if selector not in FOLLOW_A_POINTER
    ]


def looking_around(path: Path) -> list[str]:
    """Rules for what stands in one of these, if that holds something: `.main:has(> .desk) > .notice`."""
    return [selector for selector, _body in rules(path) if AROUND_PANELS.search(without_brackets(selector))]


def without_brackets(selector: str) -> str:
    """A selector without what it has in brackets, but for a sign where it looks at what an element holds."""
    while "(" in selector:
        selector = BRACKETS.sub(lambda found: LOOKS if found[1] == ":has" or LOOKS in found[2] else "", selector)
    return re.sub(r"\s*([>+~,])\s*", r"\1", selector)


def wrong_sizes(path: Path) -> list[str]:
    return [
        f"{selector}: {size}"
        for selector, body in rules(path)
        for size in SIZE.findall(body)
        if not OF_THE_SCALE.fullmatch(size.strip()) and not selector.endswith(IN_A_DISC)
    ]


def wrong_rooms(path: Path) -> list[str]:
    return [
        f"{selector}: {room.strip()}"
        for selector, body in rules(path)
        for room in ROOM.findall(body)
        if set(RAW.findall(room)) - A_HAIR - {"0px", "0rem"} and selector not in SPARED
    ]


SPACED = [path for path in SHEETS if path.name not in ("print.css", "tokens.css")]


@for_each(path=SPACED)
def test_distances_are_those_of_the_grid(path: Path):
    """Or else one who wants more on a screen, by the compact density, would get it in some places and not in others."""
    assert wrong_rooms(path) == []


def test_each_distance_that_is_spared_is_there():
    raw = {selector for path in SPACED for selector, body in rules(path) if any(map(RAW.search, ROOM.findall(body)))}
    assert SPARED - raw == set()


@pytest.mark.parametrize("room", ["margin: 0 13px", "gap: 0.3rem", "padding-block: calc(var(--s2) + .5rem)"])
def test_the_lint_itself_finds_a_distance(room: str, tmp_path: Path):
    sheet = tmp_path / "a.css"
    sheet.write_text(f".a {{ {room}; }} .b {{ margin: var(--s1) 0; border: 3px solid; }}")
    assert len(wrong_rooms(sheet)) == 1


@for_each(path=SHEETS)
def test_a_side_is_named_by_the_way_of_reading(path: Path):
    assert wrong_sides(path) == []


@for_each(path=[path for path in SHEETS if path.name != "print.css"])
def test_type_has_five_sizes(path: Path):
    """On a screen. Paper is measured in points, and the certificate on it is set as one would frame it."""
    assert wrong_sizes(path) == []


@for_each(path=SHEETS)
def test_nothing_that_comes_or_goes_has_all_behind_it_styled_anew(path: Path):
    """For `> * + *` a browser looks no closer: it styles the whole of what follows again."""
    assert [selector for selector, _body in rules(path) if AFTER_ANY.search(selector)] == []


@for_each(path=SHEETS)
def test_no_rule_has_to_be_looked_at_for_every_element_there_is(path: Path):
    """`:is(.a, .b) > :last-child` has no name that a browser could pass over it by, as both of `.a > *, .b > *` have.

    Where it asks every element whether it is the last, it styles all that is in one again which is so no longer.
    """
    assert [selector for selector, _body in rules(path) if ANY_OF_SEVERAL.search(selector)] == []


@for_each(path=SHEETS)
def test_what_happens_in_a_panel_has_no_other_panel_styled_anew(path: Path):
    """What a panel stands in is asked for what it holds by no rule for something beneath it.

    Where one is, a browser styles all that is beneath it again, by every such rule there is, with each element that
    comes, goes or gets the focus.
    """
    assert looking_around(path) == []


@pytest.mark.parametrize(
    "rule", ["body:has(.toast) .main", ".a, .main:not(:has(> .desk)) > .b", ":root:has(.a) :is(.b)"]
)
def test_the_lint_itself_finds_a_look_around(rule: str, tmp_path: Path):
    sheet = tmp_path / "a.css"
    sheet.write_text(f"{rule} {{ margin: 0; }} body:has(.a, .b .c)::before, .main > .a:has(~ .b) {{ margin: 0; }}")
    assert len(looking_around(sheet)) == 1


def test_the_lint_itself_finds_what_asks_every_element(tmp_path: Path):
    sheet = tmp_path / "a.css"
    sheet.write_text(":is(.a, .b) > :last-child {} :where(.a) * {} .a > :is(.b, .c):last-child {} :is(.a) > .b {}")
    assert [bool(ANY_OF_SEVERAL.search(selector)) for selector, _body in rules(sheet)] == [True, True, False, False]


@pytest.mark.parametrize(
    "rule", ["margin-left: 1rem", "left: 0", "text-align: right", "border-right: 0", "border-top-left-radius: 0"]
)
def test_the_lint_itself_finds_a_side(rule: str, tmp_path: Path):
    sheet = tmp_path / "a.css"
    sheet.write_text(f".a {{ {rule}; }}")
    assert wrong_sides(sheet)


def test_the_lint_itself_finds_a_size(tmp_path: Path):
    sheet = tmp_path / "a.css"
    sheet.write_text(".a { font-size: 13px; }")
    assert wrong_sizes(sheet)
