// What is open, as the address, the title and the strip have it.
import { base, desk, panelIn, places, say, titleOf } from "./desk.js";
import { mark } from "./sight.js";
import { size, widths } from "./widths.js";

const WAIT_MS = 200; // before a width that is being changed is written

let timer;
export let isUnwritten = false; // whether a panel was opened that the address does not name yet

/** The address is about to be written, once a panel is drawn. */
export function postpone() {
  isUnwritten = true;
}

/** Another address is there already: what was to be written is of no use any more. */
export function forget() {
  isUnwritten = false;
}

export function write(how) {
  if (isUnwritten) how = "pushState";
  isUnwritten = false;
  const shown = places();
  document.title = `${shown.map((place) => titleOf(place)).filter(Boolean).join(" · ") || desk.querySelector("h1").textContent} – ${desk.dataset.organisation}`;
  desk.querySelector("[data-strip]").replaceChildren(...shown.map((place) => {
    const link = document.createElement("a");
    link.href = `#${panelIn(place).id}`;
    link.textContent = titleOf(place);
    return link;
  }));
  mark();
  for (const [at, place] of shown.entries()) {
    const splitter = place.querySelector("[data-splitter]");
    splitter.setAttribute("aria-valuenow", widths()[at]);
    splitter.setAttribute("aria-label", say("width", { title: titleOf(place) }));
  }
  const to = address();
  for (const each of desk.querySelectorAll("[data-layout]")) { // what would be saved
    const query = to.split("?")[1] ?? "";
    if (each.matches("input")) each.value = query;
    else each.search = query;
  }
  if (location.pathname !== `${base()}w`) return; // somebody is on the way elsewhere, and this is the address of there
  if (how === "pushState" && to === location.pathname + location.search) return;
  history[how]({ htmx: true }, "", to);
}

/** Give a panel a width, which the address has once it is no longer changed. */
export function sizeTo(place, width) {
  size(place, width);
  clearTimeout(timer);
  timer = setTimeout(() => { if (desk.isConnected) write("replaceState"); }, WAIT_MS);
}

function address() {
  const given = places().map((place) => `p=${plainly(place.dataset.shows)}`);
  if (places().some((place) => place.dataset.w)) given.push(`s=${widths().join(",")}`);
  if (desk.dataset.saved) given.push(`ws=${desk.dataset.saved}`);
  return `${base()}w${given.length ? `?${given.join("&")}` : ""}`;
}

/** As the server writes it: people read addresses. */
function plainly(path) {
  return encodeURIComponent(path).replace(/%(2F|3F|3D|3A|2C|40)/g, decodeURIComponent);
}
