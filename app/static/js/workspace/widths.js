// How wide panels are: in per cent where somebody has sized them, else all alike. The style sheet gives each its part.
import { desk, places } from "./desk.js";

export const LEAST = 10; // per cent of the width, below which a panel does not go

export function widths() {
  const shown = places();
  const each = Math.floor(100 / shown.length);
  return shown.map((place, at) => Number(place.dataset.w) || (at ? each : 100 - each * (shown.length - 1)));
}

/** All of them together are a hundred: what is left over, or lacking, is the widest one's. */
export function setWidths(list) {
  const given = list.map((width) => Math.round(Math.min(100 - LEAST, Math.max(LEAST, width))));
  given[given.indexOf(Math.max(...given))] += 100 - given.reduce((sum, width) => sum + width, 0);
  for (const [at, place] of places().entries()) place.dataset.w = given[at];
  count();
}

/** Nobody is wider than the others: as it is after one came or went. */
export function share() {
  for (const place of places()) delete place.dataset.w;
  count();
}

/** Make room for a panel that has been on its way. */
export function reveal(place) {
  if (!place.hidden) return;
  place.hidden = false;
  share();
}

function count() {
  desk.dataset.panels = places().filter((place) => !place.hidden).length;
  desk.toggleAttribute("data-sized", places().some((place) => place.dataset.w));
}

/** Give a panel a width, and what is left of both to its neighbour. */
export function size(place, width) {
  const now = widths();
  const at = places().indexOf(place);
  const both = now[at] + now[at + 1];
  now[at] = Math.round(Math.min(both - LEAST, Math.max(LEAST, width)));
  now[at + 1] = both - now[at];
  setWidths(now);
  place.querySelector("[data-splitter]").setAttribute("aria-valuenow", now[at]);
}
