"""How words look: by what is alike, colours are judged once and not wherever they are met."""

from __future__ import annotations

# What of a page is not yet known to be good: for each of two rules of axe its elements, by how they look.
#
# For `color-contrast` these are elements with words of their own. Alike are those of the same ink and size on the same
# ground. What does not lie on what is around it, and what shines through, is like nothing else ("alone"). On a picture
# axe says nothing about any colour. For `link-in-text-block` they are links in a line of other words, and alike are
# those that differ from these words in the same way.
STRANGE = """(known) => {
  const grounds = new Map(), picture = {}, unknown = {};
  const ground = (e) => {
    if (e === null) return "the canvas";
    if (!grounds.has(e)) grounds.set(e, groundOf(getComputedStyle(e), ground(e.parentElement)));
    return grounds.get(e);
  };
  const groundOf = (s, around) => {
    const shines = s.opacity !== "1" || s.filter !== "none" || s.mixBlendMode !== "normal";
    if (around.shines || shines) return {shines: true};
    if (s.backgroundImage !== "none") return picture;
    if (!/^rgba\\(|\\/|^transparent/.test(s.backgroundColor)) return s.backgroundColor;
    const isMoved = /absolute|fixed/.test(s.position) || s.transform !== "none" || s.translate !== "none";
    if (typeof around !== "string" || isMoved) return around === picture ? picture : unknown;
    return s.backgroundColor === "rgba(0, 0, 0, 0)" ? around : `${s.backgroundColor} on ${around}`;
  };
  const look = (e) => {
    const s = getComputedStyle(e), on = ground(e);
    const ink = [s.color, s.webkitTextFillColor, s.webkitTextStroke, s.textShadow, s.fontSize, s.fontWeight];
    return typeof on === "string" && !e.closest("svg") ? [...ink, on].join(" ") : on;
  };
  const marks = (e) => {
    const s = getComputedStyle(e);
    return [look(e), s.font, s.textDecoration, s.borderWidth, s.borderStyle].join(" ");
  };
  const isInline = (e) => getComputedStyle(e).display === "inline";
  const block = (e) => isInline(e.parentElement) ? block(e.parentElement) : e.parentElement;
  const letters = (e) => e.textContent.replace(/\\s/g, "").length;
  const isAmid = (e) => isInline(e) && letters(block(e)) >
    [...block(e).querySelectorAll("a, button, select")].reduce((sum, each) => sum + letters(each), 0);

  const hasWords = (e) => [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const isOff = (e) => e.matches("option") || e.closest(":disabled, [aria-disabled=true], [inert]") !== null;
  const isSeen = (e) => {
    const {width, height, right, bottom} = e.getBoundingClientRect();
    return width > 1 && height > 1 && right > 0 && bottom > 0 && e.checkVisibility({visibilityProperty: true});
  };

  const strange = new Map();
  const add = (rule, look, e) => {
    const name = `${rule} ${look}`;
    if (!known.has(name)) strange.set(name, [...(strange.get(name) ?? []), e]);
  };
  let alone = 0;
  for (const e of document.querySelectorAll("body *")) {
    const isText = hasWords(e) || e.matches("input, select, textarea"), isLink = e.matches("a[href], [role=link]");
    if (!(isText || isLink) || !isSeen(e) || isOff(e)) continue;
    const its = look(e);
    if (isText && its !== picture) add("color-contrast", typeof its === "string" ? its : `alone ${alone++}`, e);
    if (isLink && isAmid(e)) add("link-in-text-block", `${marks(e)} in ${marks(block(e))}`, e);
  }
  return strange;
}"""
