// A file of its own, for pages with a workspace: panels are opened, closed, moved and sized in place, and those that stay
// are left alone: their nodes, how far they are scrolled, where the keyboard is. What is open stands in the address.

const MOST = 6;
const LEAST = 10; // per cent of the width, below which a panel does not go
const STEP = 5;
const FAR_ENOUGH = 6; // pixels, before a press is a drag
const WAIT_MS = 200; // before a width that is being changed is written into the address
const SOON_MS = 150; // within which most pages come
const LONG_MS = 1500; // after which it is said that a page is still on its way

let desk = null;
let tools = null;
let lastNumber = 0; // of the panels that were named here
let timer;
let isUnwritten = false; // whether a panel was opened that the address does not name yet
let deeds = 0; // of whoever sits here: what comes late moves nothing under their hands
const openers = new WeakMap(); // what a panel was opened from, where the keyboard goes back to
const beside = new WeakMap(); // which panel shows what the links of another one lead to
const asking = new WeakMap(); // what was asked for last, in a panel that waits for it
const before = new WeakMap(); // how wide a panel was before it was folded up

/** Take over a workspace. `given` are htmx and the ways to say something, which the page has loaded already. */
export function start(place, given) {
  if (place === desk) return;
  const isFirst = desk === null;
  [desk, tools] = [place, given];
  for (const link of desk.querySelectorAll("a[data-href]")) lead(link);
  for (const link of desk.querySelectorAll("a[data-act]")) link.replaceWith(asButton(link));
  watchSight();
  history.replaceState({ htmx: true, ...history.state }, ""); // so that Back brings back what was open first, too
  if (isFirst) watch();
}

function watch() {
  for (const deed of ["pointerdown", "keydown", "wheel"]) addEventListener(deed, () => { deeds += 1; }, { capture: true, passive: true });
  document.addEventListener("click", clicked, true); // before htmx hears of it
  document.addEventListener("keydown", typed, true);
  document.addEventListener("pointerdown", pressed);
  for (const type of ["focusin", "pointerdown"]) document.addEventListener(type, goneTo);
  for (const type of ["wheel", "touchmove"]) document.addEventListener(type, scrolled, { passive: true });
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => markBusy(ctx));
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => markIdle(ctx));
  document.addEventListener("htmx:after:settle", ({ target }) => { if (isOurs(target) && target.matches("[data-panel]")) arrived(target); });
  document.addEventListener("htmx:after:settle", ({ target }) => { if (isOurs(target) && target.querySelector("[data-unsaved]")) unsave(); });
  document.addEventListener("htmx:before:history:restore", (event) => {
    const url = new URL(event.detail.path, location.href);
    if (!desk.isConnected || url.pathname !== `${base()}w`) return;
    if ((url.searchParams.get("ws") ?? "") !== (desk.dataset.saved ?? "")) return; // another workspace
    event.preventDefault();
    restore(url.searchParams);
  });
}

/** The workspace that was open is not there any more: what is open is nobody's but its reader's from here on. */
function unsave() {
  delete desk.dataset.saved;
  desk.querySelector("h1").textContent = say("desk");
  desk.querySelector(".desk__bar [aria-current]")?.remove();
  desk.querySelector("form:has(input[data-layout])")?.remove();
  desk.querySelector(".desk__bar > [data-here]")?.remove();
  write("replaceState");
}

function isOurs(element) {
  return desk.isConnected && desk.contains(element);
}

/** Without a script a link leads through the address of the whole workspace; with one it leads where it says. */
function lead(link) {
  link.href = link.dataset.href;
  delete link.dataset.href;
}

function asButton(link) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = link.className;
  button.dataset.act = link.dataset.act;
  button.append(...link.childNodes);
  return button;
}

// ---- What is open ----

const places = () => [...desk.querySelectorAll("[data-place]")];
const room = () => desk.querySelector("[data-places]");
const placeOf = (element) => element.closest?.("[data-place]") ?? null;
const panelIn = (place) => place.querySelector("[data-panel]");
const titleOf = (place) => panelIn(place).dataset.title;
const base = () => desk.dataset.base;
const say = (name, values = {}) => JSON.parse(desk.dataset.words)[name].replace(/\{(\w+)\}/g, (_all, key) => values[key]);
const tell = (name, place) => say(name, { title: titleOf(place), place: places().indexOf(place) + 1, count: places().length });

/**
 * Open a page in a panel of its own, behind `after` or at the end. A page that is open already is gone to. `found` is
 * told of the panel at once: whoever follows one link after the other does not wait for the first.
 */
async function open(path, { opener = null, after = null, title = wordsOf(opener), found = () => {} } = {}) {
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
  isUnwritten = true;
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
async function load(place, path) {
  const panel = panelIn(place);
  const [address] = `${base()}${path}`.split("#");
  await tools.htmx.ajax("GET", address, { source: panel, target: panel, select: `#${panel.id}`, swap: "outerSync", push: "false" });
  if (place.isConnected && !panel.dataset.path && !asking.has(panel)) close(place); // nothing came, and nothing will
}

/** A page that is to take the place of a panel's makes it busy: those who see it, and those who hear it, can tell. */
function markBusy(ctx) {
  const panel = ctx.sourceElement?.closest?.("[data-panel]");
  if (!panel || !isOurs(panel) || ctx.select !== `#${panel.id}`) return;
  asking.set(panel, ctx);
  panel.ariaBusy = "true";
}

/** The last that was asked for has come, or will not. Of those before it nobody waits any more. */
function markIdle(ctx) {
  const panel = ctx.sourceElement?.closest?.("[data-panel]");
  if (!panel || asking.get(panel) !== ctx) return;
  asking.delete(panel);
  panel.ariaBusy = null;
}

/** The page comes first, if it comes soon: the address, and all that names what is open, can follow. */
async function writeOnceDrawn(place, deed) {
  reveal(place);
  await drawn();
  if (!isUnwritten || !desk.isConnected) return;
  write("pushState");
  if (place.isConnected && deeds === deed) show(place);
}

function reveal(place) {
  if (!place.hidden) return;
  place.hidden = false;
  share();
}

function drawn() {
  return new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}

/** What a link is called, as the name of what it leads to until that says its own. */
function wordsOf(link) {
  return link?.textContent.replace(/\s+/g, " ").trim() ?? "";
}

function close(place) {
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

function move(place, way) {
  const shown = places();
  const other = shown[shown.indexOf(place) + way];
  if (!other) return;
  swap(place, other, way);
  write("pushState");
  tools.announce(tell("moved", place));
}

function swap(place, other, way) {
  const focused = document.activeElement;
  insert(place, way > 0 ? other.nextElementSibling : other);
  if (place.contains(focused) && document.activeElement !== focused) focused.focus({ preventScroll: true });
}

/** A node that is moved keeps what it holds, where the browser can move it without taking it out. */
function insert(place, next) {
  if (room().moveBefore && place.isConnected) room().moveBefore(place, next);
  else room().insertBefore(place, next);
}

/** Put a panel where it can be seen, and the keyboard at its heading. */
function goTo(place) {
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
function made(path, title = "") {
  const names = new Set([...desk.querySelectorAll("[data-panel]")].map((panel) => panel.dataset.panel));
  do lastNumber += 1; while (names.has(`p${lastNumber}`));
  const place = desk.querySelector("[data-coming]").content.firstElementChild.cloneNode(true);
  const panel = place.querySelector("section");
  const name = title || say("page");
  place.dataset.shows = path;
  Object.assign(panel, { id: `p${lastNumber}-panel`, ariaLabel: name });
  Object.assign(panel.dataset, { panel: `p${lastNumber}`, title: name });
  place.querySelector(".pane__title").textContent = name;
  place.querySelector("[data-splitter]").setAttribute("aria-controls", panel.id);
  tools.htmx.process(place);
  return place;
}

/** A page has come into a panel: by a link in it, by a form, or because it was asked for here. */
function arrived(panel) {
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

// ---- The address, the title, the strip ----

function write(how) {
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
  if (how === "pushState" && to === location.pathname + location.search) return;
  history[how]({ htmx: true }, "", to);
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

/** Back, or forward: what is in both stays as it is. */
function restore(parameters) {
  isUnwritten = false;
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
    if (place.dataset.shows === wanted[at]) continue;
    place.dataset.shows = wanted[at];
    load(place, wanted[at]);
  }
  write("replaceState");
}

// ---- Which of them one is at: where the hand or the keyboard was last, unless it was scrolled away; then the first in sight ----

let sight = null; // on a line across the window: where panels stand below each other it meets one of them
let last = null;
let isScrolled = false; // by hand, since then. Until it is, the line does not count: the last panel may be too short for it
const inSight = new Set();

function watchSight() {
  sight?.disconnect();
  inSight.clear();
  sight = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) inSight[isIntersecting ? "add" : "delete"](target);
    mark();
  }, { rootMargin: "-35% 0px -65% 0px" });
  mark();
}

function goneTo({ target }) {
  if (!isOurs(target) || !placeOf(target)) return;
  [last, isScrolled] = [placeOf(target), false];
  mark();
}

function scrolled() {
  if (isScrolled) return;
  isScrolled = true;
  mark();
}

function mark() {
  const shown = places();
  for (const place of shown) sight.observe(place);
  const current = shown.find((place) => place === last && (!isScrolled || inSight.has(place))) ?? shown.find((place) => inSight.has(place));
  for (const [at, link] of [...desk.querySelector("[data-strip]").children].entries()) link.ariaCurrent = shown[at] === current ? "true" : null;
}

// ---- Links and buttons ----

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

function clicked(event) {
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
  else await load(linked, path);
}

/** The page that a link leads to, within the organisation; null for one elsewhere. */
function pathOf(link) {
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

// ---- The keyboard ----

function typed(event) {
  if (!desk.isConnected || event.defaultPrevented) return;
  if (drag && event.key === "Escape") { event.preventDefault(); drop(false); return; }
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

// ---- Widths ----

function widths() {
  const shown = places();
  const each = Math.floor(100 / shown.length);
  return shown.map((place, at) => Number(place.dataset.w) || (at ? each : 100 - each * (shown.length - 1)));
}

/** All of them together are a hundred: what is left over, or lacking, is the widest one's. */
function setWidths(list) {
  const given = list.map((width) => Math.round(Math.min(100 - LEAST, Math.max(LEAST, width))));
  given[given.indexOf(Math.max(...given))] += 100 - given.reduce((sum, width) => sum + width, 0);
  for (const [at, place] of places().entries()) place.dataset.w = given[at];
  count();
}

/** Nobody is wider than the others: as it is after one came or went. */
function share() {
  for (const place of places()) delete place.dataset.w;
  count();
}

/** The style sheet gives each its part. */
function count() {
  desk.dataset.panels = places().filter((place) => !place.hidden).length;
  desk.toggleAttribute("data-sized", places().some((place) => place.dataset.w));
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
  size(place, width);
}

/** Give a panel a width, and what is left of both to its neighbour. */
function size(place, width) {
  const now = widths();
  const at = places().indexOf(place);
  const both = now[at] + now[at + 1];
  now[at] = Math.round(Math.min(both - LEAST, Math.max(LEAST, width)));
  now[at + 1] = both - now[at];
  setWidths(now);
  place.querySelector("[data-splitter]").setAttribute("aria-valuenow", now[at]);
  clearTimeout(timer);
  timer = setTimeout(() => { if (desk.isConnected) write("replaceState"); }, WAIT_MS);
}

// ---- The pointer ----

let drag = null; // a panel, or its edge, under a pointer that is down

function pressed(event) {
  if (!event.isPrimary || event.button !== 0 || drag || !desk.isConnected) return;
  const handle = event.target.closest?.("[data-splitter], [data-grip]");
  if (!handle || !isOurs(handle)) return;
  const place = placeOf(handle);
  const sizes = handle.matches("[data-splitter]");
  drag = { place, sizes, x: event.clientX, begun: sizes, home: place.nextElementSibling, id: event.pointerId };
  if (sizes) {
    event.preventDefault();
    handle.focus();
    const now = widths();
    const at = places().indexOf(place);
    drag.width = now[at];
    drag.perPixel = (now[at] + now[at + 1]) / (place.offsetWidth + place.nextElementSibling.offsetWidth);
  }
  room().setPointerCapture(event.pointerId);
  room().addEventListener("pointermove", moved);
  room().addEventListener("pointerup", released);
  room().addEventListener("pointercancel", cancelled);
}

function moved({ clientX, clientY, pointerId }) {
  if (pointerId !== drag?.id) return;
  const rtl = getComputedStyle(desk).direction === "rtl" ? -1 : 1;
  if (drag.sizes) {
    size(drag.place, drag.width + rtl * (clientX - drag.x) * drag.perPixel);
    return;
  }
  if (!drag.begun && Math.abs(clientX - drag.x) < FAR_ENOUGH) return;
  drag.begun = true;
  drag.place.dataset.dragged = "";
  const other = document.elementsFromPoint(clientX, clientY).map(placeOf).find((place) => place && place !== drag.place);
  if (!other || !isOurs(other)) return;
  const box = other.getBoundingClientRect();
  const shown = places();
  const way = shown.indexOf(other) > shown.indexOf(drag.place) ? 1 : -1;
  const beyond = rtl * way > 0 ? clientX > box.left + box.width / 2 : clientX < box.left + box.width / 2;
  if (beyond) swap(drag.place, other, way);
}

const released = () => drop(true);
const cancelled = () => drop(false);

function drop(stays) {
  const { place, home, begun, sizes } = drag;
  drag = null;
  room().removeEventListener("pointermove", moved);
  room().removeEventListener("pointerup", released);
  room().removeEventListener("pointercancel", cancelled);
  if (sizes || !begun) return;
  delete place.dataset.dragged;
  if (place.nextElementSibling === home) return;
  if (!stays) { insert(place, home); return; }
  write("pushState");
  tools.announce(tell("moved", place));
}
