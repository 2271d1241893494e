// What a click on a link or a button does, of those that mean something to the workspace.
import { base, desk, isOurs, panelIn, placeOf } from "./desk.js";
import { beside, close, expecting, goTo, load, move, open, wordsOf } from "./panels.js";

const ACTS = {
  close,
  before: (place) => move(place, -1),
  after: (place) => move(place, 1),
  beside: (place, button) => {
    if (beside.has(place)) beside.delete(place);
    else beside.set(place, null);
    button.setAttribute("aria-pressed", String(beside.has(place)));
  },
};

export function clicked(event) {
  if (event.button !== 0 || !desk.isConnected) return;
  const control = event.target.closest?.("a[href], [data-act]");
  if (!control || !isOurs(control)) return;
  const act = actOf(control, event) ?? leadOf(control);
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  closeMenu(control);
  act();
}

/** The strip leads to a panel, and the keyboard with it; Back does not go from one to the other. */
function leadOf(control) {
  const place = control.closest("[data-strip]") && desk.querySelector(control.getAttribute("href"))?.closest("[data-place]");
  return place ? () => goTo(place) : null;
}

/** What a click does here; nothing where the browser, or htmx within the panel, does what it does on every page. */
function actOf(control, { ctrlKey, metaKey, shiftKey, altKey }) {
  const { act, open: path } = control.dataset;
  const place = placeOf(control);
  if (act) return () => ACTS[act]?.(place, control);
  if (ctrlKey || metaKey || shiftKey) return null;
  if (path) return () => open(path, { opener: control.closest("details")?.querySelector("summary") ?? control, title: wordsOf(control) });
  if (!place || control.matches("[data-alone], [download]") || control.getAttribute("href").startsWith("#")) return null;
  const to = pathOf(control);
  if (to === null) return control.matches("[hx-boost]") || control.origin !== location.origin ? null : () => location.assign(control.href);
  if (altKey) return () => open(to, { opener: control, after: place });
  return beside.has(place) ? () => follow(place, to, control) : null;
}

/** Show what a link leads to in the panel that is kept for it. */
async function follow(place, path, opener) {
  const linked = beside.get(place);
  if (!linked?.isConnected) await open(path, { opener, after: place, found: (opened) => beside.set(place, opened) });
  else if (linked.dataset.shows === path) goTo(linked);
  else {
    if (!panelIn(linked).dataset.path) expecting(linked, path, wordsOf(opener));
    await load(linked, path);
  }
}

/** The page that a link leads to, within the organisation; null for one elsewhere. */
export function pathOf(link) {
  const url = new URL(link.dataset.href ?? link.href, location.href);
  const path = url.pathname.startsWith(base()) ? url.pathname.slice(base().length) : "";
  return url.origin === location.origin && path && path !== "w" ? path + url.search : null;
}

function closeMenu(control) {
  const menu = control.closest("details.menu");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
}
