// Back, and forward.
import { forget, write } from "./address.js";
import { base, desk, insert, panelIn, places, room } from "./desk.js";
import { asking, load, made, MOST } from "./panels.js";
import { setWidths, share } from "./widths.js";

/** Back or forward to a workspace, unless it is another one. */
export function gone(event) {
  const url = new URL(event.detail.path, location.href);
  if (!desk.isConnected || url.pathname !== `${base()}w`) return;
  if ((url.searchParams.get("ws") ?? "") !== (desk.dataset.saved ?? "")) return;
  event.preventDefault();
  restore(url.searchParams);
}

/** What is open both before and after stays as it is. */
function restore(parameters) {
  forget();
  const wanted = [...new Set(parameters.getAll("p"))].slice(0, MOST);
  const left = places();
  const take = (path) => { const at = left.findIndex((place) => place.dataset.shows === path); return at < 0 ? null : left.splice(at, 1)[0]; };
  const kept = wanted.map(take);
  const chosen = kept.map((place) => place ?? left.shift() ?? made(""));
  for (const place of left) place.remove();
  for (const [at, place] of chosen.entries()) if (room().children[at] !== place) insert(place, room().children[at] ?? null);
  const asked = (parameters.get("s") ?? "").split(",").map(Number);
  if (asked.length === chosen.length && asked.every((width) => width > 0)) setWidths(asked);
  else share();
  for (const [at, place] of chosen.entries()) {
    const panel = panelIn(place);
    // What was on its way has just been given up: there is what has come.
    if (place.dataset.shows === wanted[at] && (!asking.has(panel) || panel.dataset.path === wanted[at])) continue;
    place.dataset.shows = wanted[at];
    load(place, wanted[at]);
  }
  write("replaceState");
}
