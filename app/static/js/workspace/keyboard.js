// What keys do: they open panels, go from one to the next, move them and size them.
import { sizeTo } from "./address.js";
import { desk, isOurs, placeOf, places } from "./desk.js";
import { pathOf } from "./links.js";
import { goTo, move, open } from "./panels.js";
import { drop, isDragging } from "./pointer.js";
import { LEAST, widths } from "./widths.js";

const STEP = 5;

const before = new WeakMap(); // how wide a panel was before it was folded up

export function typed(event) {
  if (!desk.isConnected || event.defaultPrevented) return;
  if (isDragging() && event.key === "Escape") { event.preventDefault(); drop(false); return; }
  const { target } = event;
  if (target.matches?.("[data-splitter]") && isOurs(target)) sized(event);
  else if (target.matches?.("[data-grip]") && isOurs(target)) pushed(event);
  else if (event.key === "F6" && !event.ctrlKey && !event.metaKey && !event.altKey) cycle(event, event.shiftKey ? -1 : 1);
  else if ((event.key === "[" || event.key === "]") && isFree(event)) cycle(event, event.key === "[" ? -1 : 1);
  else if (event.key === "Enter" && event.altKey && target.matches?.("a[href]") && placeOf(target) && isOurs(target)) {
    const path = pathOf(target);
    if (path === null) return;
    event.preventDefault();
    event.stopPropagation();
    open(path, { opener: target, after: placeOf(target) });
  }
}

/** Whether a key means what it says to us: nobody is writing, and it belongs to no shortcut of the browser. */
function isFree({ target, ctrlKey, metaKey, altKey }) {
  return !ctrlKey && !metaKey && !altKey && !target.closest?.("input, textarea, select, [contenteditable]");
}

function cycle(event, way) {
  const shown = places();
  if (!shown.length) return;
  event.preventDefault();
  const here = shown.findIndex((place) => place.contains(document.activeElement));
  goTo(shown[here < 0 ? (way > 0 ? 0 : shown.length - 1) : (here + way + shown.length) % shown.length]);
}

/** Which way an arrow points in this language: 1 is onwards. */
function wayOf({ key }) {
  const way = { ArrowRight: 1, ArrowLeft: -1 }[key] ?? 0;
  return getComputedStyle(desk).direction === "rtl" ? -way : way;
}

function pushed(event) {
  const way = wayOf(event);
  if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  move(placeOf(event.target), way);
}

function sized(event) {
  const place = placeOf(event.target);
  const now = widths();
  const at = places().indexOf(place);
  const both = now[at] + now[at + 1];
  const folded = now[at] === LEAST ? (before.get(place) ?? both / 2) : LEAST;
  const width = wayOf(event) ? now[at] + STEP * wayOf(event) : { Home: LEAST, End: both - LEAST, Enter: folded }[event.key];
  if (width === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (event.key === "Enter" && now[at] !== LEAST) before.set(place, now[at]);
  sizeTo(place, width);
}
