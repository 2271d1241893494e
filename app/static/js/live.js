// Parts of a page that follow what they show: <article data-live="task.<id>" hx-get="..." hx-trigger="live">.
//
// The line only says that something has changed. The part then asks for itself again, as a reader would who may see
// what they may see, and is morphed: what is typed, the focus and the place on the page stay. What brings its element along,
// as it would be answered, is put in its place at once (elements.js, for parts with `data-elements`).
import htmx from "htmx.org";
import { isPressing, watchHand, whenFree } from "./hand.js";
import { openLine, tab } from "./line.js";
import { say, toast } from "./messages.js";
import { meet, placesHere, watchWriting } from "./presence_loader.js";
import { panelOf } from "./panels.js";
import { leaveSoon } from "./signed_out.js";

const JITTER_MS = [60, 180]; // bursts become one request, and a hundred readers do not ask in the same moment
const A_WHILE_MS = 60_000; // what a page that was not told so asks for, by a clock that may be wrong
const OFF_MS = 3000; // a line that is cut for less is nothing to speak of

/** Whether a request of htmx was sent because of a live event, with nobody having pressed anything. */
export function isLive(ctx) {
  return ctx?.sourceEvent?.type === "live";
}

/** Whether nobody has asked for it: a part asks for itself, being told to or from time to time. */
export function isUnasked(ctx) {
  return isLive(ctx) || ctx?.sourceEvent?.type === "every";
}

export function watchLive() {
  watchHand();
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx } = event.detail;
    if (!isPressing() || !isUnasked(ctx)) return;
    event.preventDefault(); // it was on its way already
    later(ctx.sourceElement);
  });
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    ctx.request.headers["X-Tab"] = placeOf(ctx.sourceElement);
    if (isLive(ctx)) for (const name of [...ctx.request.body.keys()]) ctx.request.body.delete(name); // nothing that is typed
  });
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (isLive(ctx) && [403, 404].includes(ctx.response.status)) delete ctx.sourceElement.dataset.live; // there is nothing to follow
  });
  const address = document.body.dataset.line;
  if (!address) return;
  const line = openLine(address, shownSince(), heard, showState);
  const settle = () => {
    load(document.querySelector("[data-board][data-elements]"));
    const places = placesHere();
    line.want([...new Set([...parts().flatMap(channelsOf), ...places.map((place) => place.split(" ")[1])])], places);
  };
  document.addEventListener("htmx:after:settle", settle);
  watchWriting(settle, line.say);
  settle();
}

/** The place in the stream from which this page has to be told: its server says when it began to read. */
function shownSince() {
  const [page] = performance.getEntriesByType("navigation");
  const told = page?.serverTiming?.find(({ name }) => name === "since")?.description;
  return `${told || Date.now() - A_WHILE_MS}-0`;
}

/** Where something is done or shown: in this tab, or in one of its panels, of which each shows its own doings only. */
function placeOf(element) {
  const panel = panelOf(element);
  return panel ? `${tab}-${panel.dataset.panel}` : tab;
}

function parts() {
  return [...document.querySelectorAll("[data-live], [data-live-guard]")];
}

function channelsOf(part) {
  return (part.dataset.live ?? part.dataset.liveGuard).split(" ");
}

/** What others do shows once nothing is pressed; where they point moves nothing. */
function heard(message) {
  if (message.event === "cursor") hear(message);
  else whenFree(() => hearInTurn(message));
}

let elements;
let coming; // what puts elements in their place: till it is here, what is heard waits in turn

/** Boards have it at once, as their cards go about all day; other pages load it when the first element has come. */
function load(part) {
  if (part) coming ??= import(part.dataset.elements).then((loaded) => { elements = loaded; }, () => { coming = null; });
}

function hearInTurn(message) {
  if (message.html) load(document.querySelector("[data-elements]"));
  if (coming && !elements) coming.then(() => hear(message));
  else hear(message);
}

function hear(message) {
  const { event, channel, by, gone } = message;
  if (meet(message)) return;
  if (gone) tellOf(gone, message.id);
  for (const part of parts()) {
    if (channel && !channelsOf(part).includes(channel)) continue;
    const isOwn = by === placeOf(part);
    const shown = isOwn && channelsOf(part)[0] === channel; // the answer to what was done here
    if (part.dataset.liveGuard) {
      if (!isOwn && event.includes(".") && isOlder(part, message)) warn(part);
    } else if (!shown || busy.has(part) || elements?.isReceiving(part)) {
      if (!message.html || isHeld(part) || waiting.has(part) || !elements?.put(part, message, htmx)) later(part);
    }
  }
}

const told = new Set();

/**
 * Whoever was taken off a thing, and sees it no longer, is told so, and of which if it is still shown: once, though it
 * is said on several channels, and again to a line that was cut.
 */
function tellOf(id, place) {
  if (told.has(id + place)) return;
  told.add(id + place);
  const shown = document.querySelector(`[data-live] a[href$="/${id}"]:not(nav a)`);
  toast(shown ? say("taken_off").replace("{name}", shown.textContent.trim()) : say("taken_off_one"));
}

// Whoever signs out is on the way to another page: what they leave must not be asked for in a session that has ended.
let isLeaving = false;
document.addEventListener("submit", ({ target }) => { isLeaving ||= target.matches("[data-sign-out]"); });

const waiting = new WeakMap();
const busy = new WeakSet();
document.addEventListener("htmx:finally:request", ({ target }) => busy.delete(target), true); // its own, not that of a form in it

function later(part) {
  if (waiting.has(part)) return;
  const [least, most] = JITTER_MS;
  waiting.set(part, setTimeout(() => { waiting.delete(part); refresh(part); }, least + Math.random() * (most - least)));
}

function refresh(part) {
  if (isLeaving || !part.isConnected) return;
  if (isHeld(part)) { later(part); return; }
  busy.add(part);
  part.dispatchEvent(new CustomEvent("live")); // does not rise: the part around it has a channel of its own
}

/**
 * Whether a part asks for itself already, or a hand is on it: a card is lifted (drag.js). What was sent out of it is waited
 * for: its answer may be older than what would be asked for now, and takes its place.
 */
function isHeld(part) {
  return busy.has(part) || isPressing() || "liveHold" in part.dataset || Boolean(part.querySelector("form.htmx-request"));
}

/** Whether a form shows what was there before. A page may be told of what it shows already: it came after the line. */
function isOlder(form, { version }) {
  const shown = form.elements?.version?.value;
  return !version || !shown || Number(shown) < version;
}

/** Whoever writes is told that what they started from is old; saving shows both versions. */
function warn(form) {
  if (form.querySelector(".live-note")) return;
  const note = document.createElement("p");
  note.className = "live-note";
  note.setAttribute("role", "status");
  note.textContent = say("changed");
  form.prepend(note);
}

let timer;

function showState(state, isFollowing) {
  const place = document.getElementById("live-state");
  if (!place) return;
  place.dataset.line = state === "on" && isFollowing ? "open" : "";
  if (state === "ended" && !isLeaving) {
    isLeaving = true;
    leaveSoon();
  }
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (place.dataset.state === state) return;
    place.dataset.state = state;
    place.querySelector("[data-words]").textContent = say(`live_${state}`);
  }, state === "off" ? OFF_MS : 0);
}
