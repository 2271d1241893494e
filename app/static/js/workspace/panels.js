// Panels come and go, and one goes to them.
import { isUnwritten, postpone, write } from "./address.js";
import { base, desk, isOurs, panelIn, placeOf, places, room, say, swap, tell, titleOf, tools } from "./desk.js";
import { reveal, share } from "./widths.js";

export const MOST = 6;
const SOON_MS = 250; // within which most pages come; a slow machine would take longer for room made twice than for the page
const LONG_MS = 1500; // after which it is said that a page is still on its way

let lastNumber = 0; // of the panels that were named here
let deeds = 0; // of whoever sits here: what comes late moves nothing under their hands
const openers = new WeakMap(); // what a panel was opened from, where the keyboard goes back to
export const asking = new WeakMap(); // what was asked for last, in a panel that waits for it
export const beside = new WeakMap(); // which panel shows what the links of another one lead to

export function noteDeed() {
  deeds += 1;
}

/**
 * Open a page in a panel of its own, behind `after` or at the end. A page that is open already is gone to. `found` is
 * told of the panel at once: whoever follows one link after the other does not wait for the first.
 */
export async function open(path, { opener = null, after = null, title = wordsOf(opener), found = () => {} } = {}) {
  const there = places().find((place) => place.dataset.shows === path);
  if (there) {
    found(there);
    goTo(there);
    tools.announce(tell("shown", there));
    return there;
  }
  if (places().length >= MOST) {
    tools.toast(say("full"), "attention");
    return null;
  }
  const place = made(path, title);
  place.hidden = true; // most pages come so soon that room is made for them once, and not for a sketch of them before
  room().insertBefore(place, after?.nextElementSibling ?? null);
  openers.set(place, opener);
  found(place);
  const deed = deeds;
  const coming = load(place, path);
  postpone();
  Promise.race([coming, new Promise((soon) => setTimeout(soon, SOON_MS))]).then(() => writeOnceDrawn(place, deed));
  const late = setTimeout(() => { if (place.isConnected) tools.announce(say("coming", { title: titleOf(place) })); }, LONG_MS);
  await coming;
  clearTimeout(late);
  await drawn();
  if (!place.isConnected) return null;
  if (deeds === deed) show(place);
  tools.announce(tell("opened", place));
  return place;
}

/** Ask for a page as a panel: htmx swaps it in, and tells all that follow what comes into the document. */
export async function load(place, path) {
  const panel = panelIn(place);
  const [address] = `${base()}${path}`.split("#");
  await tools.htmx.ajax("GET", address, { source: panel, target: panel, select: `#${panel.id}`, swap: "outerSync", push: "false" });
  if (place.isConnected && !panel.dataset.path && !asking.has(panel)) close(place); // nothing came, and nothing will
}

/** A page that is to take the place of a panel's makes it busy: those who see it, and those who hear it, can tell. */
export function markBusy(ctx) {
  const panel = ctx.sourceElement?.closest?.("[data-panel]");
  if (!panel || !isOurs(panel) || ctx.select !== `#${panel.id}`) return;
  asking.set(panel, ctx);
  panel.ariaBusy = "true";
}

/** The last that was asked for has come, or will not. Of those before it nobody waits any more. */
export function markIdle(ctx) {
  const panel = ctx.sourceElement?.closest?.("[data-panel]");
  if (!panel || asking.get(panel) !== ctx) return;
  asking.delete(panel);
  panel.ariaBusy = null;
}

/** The page comes first, if it comes soon: the address, and all that names what is open, can follow. */
async function writeOnceDrawn(place, deed) {
  if (place.hidden) await new Promise(tools.whenFree);
  reveal(place);
  await drawn();
  if (!isUnwritten || !desk.isConnected) return;
  write("pushState");
  if (place.isConnected && deeds === deed) show(place);
}

function drawn() {
  return new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}

/** What a link is called, as the name of what it leads to until that says its own. */
export function wordsOf(link) {
  return (link?.ariaLabel ?? link?.textContent ?? "").replace(/\s+/g, " ").trim();
}

export function close(place) {
  const shown = places();
  const next = shown[shown.indexOf(place) + 1] ?? shown[shown.indexOf(place) - 1];
  const opener = openers.get(place);
  const words = tell("closed", place);
  place.remove();
  share();
  write("pushState");
  tools.announce(words);
  if (opener?.isConnected && opener.checkVisibility()) opener.focus();
  else if (next) goTo(next);
  else desk.querySelector("h1").focus();
}

export function move(place, way) {
  const shown = places();
  const other = shown[shown.indexOf(place) + way];
  if (!other) return;
  swap(place, other, way);
  write("pushState");
  tools.announce(tell("moved", place));
}

/** Put a panel where it can be seen, and the keyboard at its heading. */
export function goTo(place) {
  reveal(place);
  const heading = place.querySelector("h1") ?? place.querySelector("[data-panel-body]") ?? panelIn(place);
  if (!heading.hasAttribute("tabindex")) heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  show(place);
}

/** Where panels stand below each other, whoever goes to one reads it from its head. */
function show(place) {
  const isBeside = matchMedia("(min-width: 48rem)").matches;
  place.scrollIntoView({ block: isBeside ? "nearest" : "start", inline: "nearest" });
}

/** A place for a page that is on its way, drawn as the server has it in a template. */
export function made(path, title = "") {
  const names = new Set([...desk.querySelectorAll("[data-panel]")].map((panel) => panel.dataset.panel));
  do lastNumber += 1; while (names.has(`p${lastNumber}`));
  const place = desk.querySelector("[data-coming]").content.firstElementChild.cloneNode(true);
  const panel = place.querySelector("section");
  panel.id = `p${lastNumber}-panel`;
  panel.dataset.panel = `p${lastNumber}`;
  expecting(place, path, title);
  place.querySelector("[data-splitter]").setAttribute("aria-controls", panel.id);
  tools.htmx.process(place);
  return place;
}

/** Name a place by what is on its way to it. */
export function expecting(place, path, title) {
  const panel = panelIn(place);
  place.dataset.shows = path;
  panel.ariaLabel = panel.dataset.title = place.querySelector(".pane__title").textContent = title || say("page");
}

/** A page has come into a panel: by a link in it, by a form, or because it was asked for here. */
export function arrived(panel) {
  const place = placeOf(panel);
  reveal(place);
  panel.ariaLabel = null;
  const path = panel.dataset.path || place.dataset.shows;
  panel.dataset.path = path;
  for (const link of panel.querySelectorAll("a[data-act]")) link.replaceWith(asButton(link));
  if (beside.has(place)) panel.querySelector('[data-act="beside"]')?.setAttribute("aria-pressed", "true");
  const isOther = path !== place.dataset.shows;
  place.dataset.shows = path;
  if (isOther || !isUnwritten) write(isOther ? "pushState" : "replaceState"); // else it is about to be, once this is drawn
  if (isOther) show(place);
}

export function asButton(link) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = link.className;
  button.dataset.act = link.dataset.act;
  button.append(...link.childNodes);
  return button;
}
