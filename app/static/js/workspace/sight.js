// At which panel one is: where the hand or the keyboard was last, unless it was scrolled away; then the first in sight.
import { desk, isOurs, placeOf, places } from "./desk.js";

let sight = null; // on a line across the window: where panels stand below each other it meets one of them
let last = null;
let isScrolled = false; // by hand, since then. Until it is, the line does not count: the last panel may be too short for it
const inSight = new Set();

export function watchSight() {
  sight?.disconnect();
  inSight.clear();
  sight = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) inSight[isIntersecting ? "add" : "delete"](target);
    mark();
  }, { rootMargin: "-35% 0px -65% 0px" });
  mark();
}

export function goneTo({ target }) {
  if (!isOurs(target) || !placeOf(target)) return;
  [last, isScrolled] = [placeOf(target), false];
  mark();
}

export function scrolled() {
  if (isScrolled) return;
  isScrolled = true;
  mark();
}

export function mark() {
  const shown = places();
  for (const place of shown) sight.observe(place);
  const current = shown.find((place) => place === last && (!isScrolled || inSight.has(place))) ?? shown.find((place) => inSight.has(place));
  for (const [at, link] of [...desk.querySelector("[data-strip]").children].entries()) link.ariaCurrent = shown[at] === current ? "true" : null;
}
