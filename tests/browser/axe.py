"""axe-core, run on a page as it stands. What it finds is a defect."""

from __future__ import annotations

from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from playwright.sync_api import CDPSession, Page

from tests.browser.looks import STRANGE
from tests.stage import ROOT

COLOURS = ["color-contrast", "link-in-text-block"]

SAID = """(violations) => violations.flatMap((found) => found.nodes.map((node) =>
  `${found.id}: ${node.target} ${node.failureSummary.replace(/\\s+/g, " ")} in ${node.html.slice(0, 160)}`))"""

# What does not depend on colours is the same in light and in dark.
RUN = f"""async (colours) => {{
  const rules = Object.fromEntries(colours.map((name) => [name, {{enabled: false}}]));
  return ({SAID})((await axe.run(document, {{resultTypes: ["violations"], preload: false, rules}})).violations);
}}"""

# Of all that looks alike one is judged, and the others only where axe cannot judge that one: something may lie upon it.
# What is good is told as well, and is not looked at on another page.
RUN_COLOURS = f"""async ([colours, known]) => {{
  const strange = [...({STRANGE})(new Set(known.split("\\n")))].map(([name, elements]) => ({{name, elements}}));
  const said = [], judged = Object.fromEntries(colours.map((rule) => [rule, new Set()]));
  const isJudged = ({{name, elements}}) => elements.some((each) => judged[name.split(" ", 1)[0]].has(each));
  const judge = async (include) => {{
    if (!include.length) return;
    const runOnly = {{type: "rule", values: colours}}, resultTypes = ["violations", "passes"];
    const told = await axe.run({{include}}, {{resultTypes, preload: false, elementRef: true, runOnly}});
    said.push(...({SAID})(told.violations));
    for (const {{id, nodes}} of [...told.passes, ...told.violations])
      for (const {{element}} of nodes) judged[id].add(element);
  }};
  await judge(strange.map(({{elements: [first]}}) => first));
  await judge(strange.filter((each) => !isJudged(each)).flatMap(({{elements: [, ...others]}}) => others));
  const good = strange.filter(isJudged).map(({{name}}) => name).filter((name) => !name.includes(" alone "));
  return [said, good.join("\\n")];
}}"""

# Kept as long as the page: to close one takes a virtual authenticator away (test_passkeys.py).
_devtools: WeakKeyDictionary[Page, CDPSession] = WeakKeyDictionary()
# What was judged and found good, on whatever page.
_good: set[str] = set()


def violations(page: Page) -> list[str]:
    """What is wrong with the page, in light and in dark."""
    _bring_along(page)
    _put_into(page, "light")
    found = list(page.evaluate(RUN, COLOURS))
    found += [f"light {each}" for each in _wrong_colours(page)]
    _put_into(page, "dark")
    return found + [f"dark {each}" for each in _wrong_colours(page)]


def _bring_along(page: Page) -> None:
    """By DevTools, which find again what they have compiled for the page before. What is there already may stay."""
    if page.evaluate("typeof axe == 'object'"):
        return
    if page not in _devtools:
        _devtools[page] = page.context.new_cdp_session(page)
    said = _devtools[page].send("Runtime.evaluate", {"expression": _source(), "returnByValue": True})
    assert "exceptionDetails" not in said, said


def _put_into(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce", forced_colors="none")  # a colour half-way is none


def _wrong_colours(page: Page) -> list[str]:
    said, good = page.evaluate(RUN_COLOURS, [COLOURS, "\n".join(_good)])
    if not said:
        _good.update(good.splitlines())
    return list(said)


@cache
def _source() -> str:
    return (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
