"""Whether a page fits where it is shown, and whether a finger can hit what is on it."""

from __future__ import annotations

from playwright.sync_api import Page

WIDE = {"width": 1440, "height": 900}
TWICE_AS_LARGE = {"width": 720, "height": 450}  # what is left of a wide screen at 200 %
FOUR_TIMES_AS_LARGE = {"width": 320, "height": 256}  # and of 1280 x 1024 at 400 % (WCAG 1.4.10)
PHONE = {"width": 360, "height": 740}

# What sticks out of the page at its side, and which two things that one can press lie on top of each other.
SPOILED = """() => {
  if (!window.isLaidOut) {
    const everything = new CSSStyleSheet();  // rows that are far away are not laid out yet
    everything.replaceSync("* { content-visibility: visible !important; }");
    document.adoptedStyleSheets.push(everything);
    window.isLaidOut = true;
  }
  const wide = document.documentElement.clientWidth, whole = document.scrollingElement.scrollWidth;
  const name = (e) => `${e.tagName.toLowerCase()} "${e.innerText?.slice(0, 30) ?? ""}"`;
  const found = whole > wide ? [`the page scrolls sideways to ${whole}`] : [];

  const shown = [...document.querySelectorAll("body :not(svg *)")].filter((e) =>
    e.checkVisibility({visibilityProperty: true}) && !e.closest(".visually-hidden, .skip, .toasts"));
  // What has two dimensions scrolls in a box of its own, which WCAG 1.4.10 allows: the box itself has to fit. So has
  // each person in a row of them, which is one line.
  const isCut = (e) => e.closest(
    ".matrix table, .board__column, .hands__people > li, caption, thead, pre, .breadcrumb a, .clip, .brand__name, svg");
  for (const e of shown) {
    const box = e.getBoundingClientRect(), isBeyond = box.right > wide + 1 || box.left < -1;
    if (box.width && isBeyond && !isCut(e)) found.push(`${name(e)} sticks out`);
    if (e.matches(".hands__people > li") && box.width > wide) found.push(`${name(e)} is too long`);
  }

  const known = new Map([[null, false]]);
  const floats = (e) => {
    if (!known.has(e)) known.set(e, /fixed|sticky/.test(getComputedStyle(e).position) || floats(e.parentElement));
    return known.get(e);
  };
  const controls = shown.filter((e) => e.matches("a, button, input, select, textarea, summary") && !floats(e));
  const boxes = controls.flatMap((e) => [...e.getClientRects()].map((box) => [e, box]));
  const length = (from, to, a, b) => Math.min(a[to], b[to]) - Math.max(a[from], b[from]);
  boxes.sort(([, a], [, b]) => a.top - b.top);
  for (const [i, [e, box]] of boxes.entries()) for (const [other, its] of boxes.slice(i + 1)) {
    if (its.top >= box.bottom) break;  // and all further ones are below it as well
    const apart = length("left", "right", box, its) <= 1 || length("top", "bottom", box, its) <= 1;
    if (!apart && !e.contains(other) && !other.contains(e)) found.push(`${name(e)} overlaps ${name(other)}`);
  }
  return found;
}"""

# What is too small for a finger: whether a square of 44 pixels around its middle belongs to it. Links in a sentence are
# as large as the sentence lets them be (WCAG 2.5.8).
TOO_SMALL = """() => {
  const found = [];
  for (const e of document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea, summary")) {
    const inSentence = e.matches("a:not(.button, .list__link)") && e.closest("p, dd, li, td, .sheet__text") &&
      !e.closest("nav");
    if (!e.checkVisibility() || e.closest(".visually-hidden, .skip") || inSentence) continue;
    e.scrollIntoView({block: "center", behavior: "instant"});
    const target = e.closest("label") ?? e, box = target.getBoundingClientRect();
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    const missed = [[0, -21], [0, 21], [-21, 0], [21, 0]].filter(
      ([right, down]) => !target.contains(document.elementFromPoint(x + right, y + down)));
    const size = `${Math.round(box.width)} x ${Math.round(box.height)}`;
    if (missed.length) found.push(`${e.tagName} "${target.innerText.slice(0, 40)}" of ${size}`);
  }
  return found;
}"""


def spoiled(page: Page) -> list[str]:
    """What does not fit: on a wide screen, with everything shown larger, in the colours of the system, on a phone."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce", forced_colors="active")
    found = [f"in forced colours: {each}" for each in _at(page, WIDE, SPOILED)]
    page.emulate_media(forced_colors="none")
    found += [f"at {WIDE['width']}: {each}" for each in page.evaluate(SPOILED)]
    for size in (TWICE_AS_LARGE, FOUR_TIMES_AS_LARGE):
        found += [f"at {size['width']}: {each}" for each in _at(page, size, SPOILED)]
    return found + [f"on a phone: {each}" for each in _on_a_phone(page)]


def _at(page: Page, size: dict[str, int], what: str) -> list[str]:
    page.set_viewport_size(size)
    return list(page.evaluate(what))


def _on_a_phone(page: Page) -> list[str]:
    fingers = page.context.new_cdp_session(page)
    fingers.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    found = [*_at(page, PHONE, SPOILED), *page.evaluate(TOO_SMALL)]
    assert page.evaluate("matchMedia('(pointer: coarse)').matches")
    fingers.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    fingers.detach()
    return found
