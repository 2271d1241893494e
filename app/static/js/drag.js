// Cards of a board are dragged by their handle: with a pointer, or with the keyboard. What is done in the end is what the
// form in the card's menu does, sent with the place; the answer is the board as it is, whatever became of the move.
import { announce } from "./messages.js";

const FAR_ENOUGH = 4; // pixels, before a press is a drag
const EDGE = 56; // so near to an edge the page scrolls along
const SPEED = 14;

let press = null; // a pointer that is down on a handle
let drag = null; // the card that is on its way

export function watchDragging() {
  document.addEventListener("pointerdown", pressed);
  document.addEventListener("pointermove", moved);
  document.addEventListener("pointerup", (event) => released(event, drop));
  document.addEventListener("pointercancel", (event) => released(event, cancel));
  document.addEventListener("keydown", typed);
  document.addEventListener("focusout", ({ target }) => {
    if (drag?.by === "keyboard" && !drag.moving && target === drag.handle) cancel();
  });
  // Nothing is swapped away under the hand: what came meanwhile is asked for again at the end.
  document.addEventListener("htmx:before:swap", (event) => {
    if (!drag) return;
    const target = event.detail.tasks?.[0]?.target ?? event.target;
    if (target === drag.board) {
      event.preventDefault();
      drag.missed = true;
    } else if (target.contains?.(drag.board)) {
      cancel();
    }
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => answered(ctx));
}

// ---- With a pointer ----

function pressed(event) {
  const handle = event.target.closest?.("[data-grab]");
  if (!handle || !event.isPrimary || event.button !== 0 || drag) return;
  press = { handle, id: event.pointerId, x: event.clientX, y: event.clientY };
  handle.closest("[data-board]").setPointerCapture(event.pointerId); // the handle itself is about to be moved about
}

function moved(event) {
  if (event.pointerId !== press?.id) return;
  const { clientX: x, clientY: y } = event;
  if (!drag) {
    if (Math.hypot(x - press.x, y - press.y) < FAR_ENOUGH) return;
    lift(press.handle, "pointer");
    drag.ghost = ghostOf(drag.card, press);
    requestAnimationFrame(scrollAlong);
  }
  drag.at = { x, y };
  follow();
}

function released({ pointerId }, end) {
  if (pointerId !== press?.id) return;
  press = null;
  if (drag?.by === "pointer") end();
}

function ghostOf(card, { x, y }) {
  const box = card.getBoundingClientRect();
  const ghost = card.cloneNode(true);
  for (const element of [ghost, ...ghost.querySelectorAll("[id]")]) element.removeAttribute("id");
  for (const name of ["data-card", "data-lifted"]) ghost.removeAttribute(name);
  ghost.querySelector("details")?.removeAttribute("open");
  ghost.classList.add("card--ghost");
  ghost.inert = true;
  ghost.style.inlineSize = `${box.width}px`;
  document.body.append(ghost);
  return { element: ghost, dx: x - box.left, dy: y - box.top };
}

function follow() {
  const { at: { x, y }, ghost, board, card } = drag;
  ghost.element.style.translate = `${x - ghost.dx}px ${y - ghost.dy}px`;
  const column = document.elementFromPoint(x, y)?.closest("[data-column]");
  if (!column || !board.contains(column)) return;
  const list = column.querySelector("[data-state]");
  const next = others(list).find((each) => { const box = each.getBoundingClientRect(); return y < box.top + box.height / 2; });
  if (card.parentElement !== list || nextOf(card) !== (next ?? null)) put(list, next ?? null);
}

/** A board is larger than a screen: near its edges it goes along. */
function scrollAlong() {
  if (drag?.by !== "pointer") return;
  const { x, y } = drag.at;
  const pull = (place, size) => (place < EDGE ? -SPEED : place > size - EDGE ? SPEED : 0);
  const strip = drag.card.closest(".board__columns");
  const box = strip.getBoundingClientRect();
  const room = strip.closest("[data-panel-body]") ?? document.scrollingElement; // what scrolls up and down
  const [across, down] = [pull(x - box.left, box.width), pull(y, innerHeight)];
  if (across) strip.scrollBy(across, 0);
  if (down) room.scrollBy(0, down);
  if (across || down) follow();
  requestAnimationFrame(scrollAlong);
}

// ---- With the keyboard ----

const onward = () => (document.dir === "rtl" ? -1 : 1); // a page that is read from the right has its next column at the left
const STEPS = { ArrowUp: stepUp, ArrowDown: stepDown, ArrowLeft: () => stepAside(-onward()), ArrowRight: () => stepAside(onward()) };

function typed(event) {
  if (drag?.by === "pointer") {
    if (event.key === "Escape") cancel();
    return;
  }
  const handle = event.target.closest?.("[data-grab]");
  if (!handle || event.ctrlKey || event.metaKey || event.altKey) return;
  const lifts = event.key === " " || event.key === "Enter";
  const act = drag ? STEPS[event.key] ?? (lifts ? drop : event.key === "Escape" ? cancel : null) : lifts && (() => lift(handle, "keyboard"));
  if (!act || event.repeat && lifts) return;
  event.preventDefault();
  act();
}

function stepUp() {
  const before = drag.card.previousElementSibling;
  step(drag.card.parentElement, before ?? drag.card.nextElementSibling);
}

function stepDown() {
  const next = drag.card.nextElementSibling;
  step(drag.card.parentElement, next ? next.nextElementSibling : null);
}

function stepAside(way) {
  const lists = [...drag.board.querySelectorAll("[data-state]")];
  const towards = getComputedStyle(drag.board).direction === "rtl" ? -way : way;
  const list = lists[lists.indexOf(drag.card.parentElement) + towards];
  if (list) step(list, others(list)[[...drag.card.parentElement.children].indexOf(drag.card)] ?? null);
}

function step(list, next) {
  if (next !== drag.card) put(list, next);
  drag.card.scrollIntoView({ block: "nearest", inline: "nearest" });
  announce(where(drag));
}

// ---- Either way ----

function lift(handle, by) {
  const board = handle.closest("[data-board]");
  const card = handle.closest("[data-card]");
  drag = { board, card, handle, by, home: { list: card.parentElement, next: card.nextElementSibling } };
  board.dataset.liveHold = ""; // what others do meanwhile has to wait
  card.dataset.lifted = by;
  handle.setAttribute("aria-pressed", "true");
  for (const list of board.querySelectorAll("[data-state]")) {
    if (!isOpen(drag, list)) list.closest("[data-column]").dataset.closed = "";
  }
  if (by === "keyboard") announce(tell(drag, "lifted"));
}

function drop() {
  const it = drag;
  end();
  const { card, home } = it;
  if (card.parentElement === home.list && nextOf(card) === home.next) {
    catchUp(it);
    if (it.by === "keyboard") announce(tell(it, "cancelled"));
    return;
  }
  if (it.by === "keyboard") announce(tell(it, "dropped"));
  send(it);
}

function cancel() {
  const it = drag;
  put(it.home.list, it.home.next);
  end();
  catchUp(it);
  announce(tell(it, "cancelled"));
}

function end() {
  const { board, card, handle, ghost } = drag;
  delete board.dataset.liveHold;
  delete card.dataset.lifted;
  handle.removeAttribute("aria-pressed");
  for (const column of board.querySelectorAll("[data-closed]")) delete column.dataset.closed;
  ghost?.element.remove();
  drag = null;
}

/** Ask for the board again where an answer was held back. */
function catchUp({ missed, board }) {
  if (missed) board.dispatchEvent(new CustomEvent("live"));
}

const sent = new Map(); // forms on their way, with what to put back should they not arrive

function send(it) {
  const { card, home } = it;
  const form = card.querySelector("form");
  const place = { after: card.previousElementSibling?.dataset.card ?? "" };
  if (card.parentElement !== home.list) place.state = card.parentElement.dataset.state;
  const fields = Object.entries(place).map(([name, value]) => Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  form.append(...fields);
  sent.set(form, { it, fields });
  form.requestSubmit();
}

function answered(ctx) {
  const form = ctx?.sourceElement;
  if (!sent.has(form)) return;
  const { it, fields } = sent.get(form);
  sent.delete(form);
  for (const field of fields) field.remove();
  if (ctx.response && ctx.swap !== "none") return; // the answer showed the board as it is
  if (it.home.list.isConnected && it.card.isConnected) place(it.card, it.home.list, it.home.next?.parentElement === it.home.list ? it.home.next : null);
  it.board.dispatchEvent(new CustomEvent("live"));
}

function put(list, next) {
  drag.moving = true; // the focus leaves for a moment, where the browser cannot move without taking out
  place(drag.card, list, next);
  if (drag.by === "keyboard") drag.handle.focus({ preventScroll: true });
  drag.moving = false;
}

function place(card, list, next) {
  if (list.moveBefore && card.isConnected) list.moveBefore(card, next);
  else list.insertBefore(card, next);
}

function others(list) {
  return [...list.children].filter((each) => each !== drag.card);
}

function nextOf(card) {
  return card.nextElementSibling;
}

function isOpen({ card, home }, list) {
  return list === home.list || card.dataset.ways.split(" ").includes(list.dataset.state);
}

function where(it) {
  const list = it.card.parentElement;
  const words = say(it, "where", { state: list.dataset.name, place: [...list.children].indexOf(it.card) + 1, count: list.children.length });
  return isOpen(it, list) ? words : `${words} ${say(it, "closed")}`;
}

function tell(it, name) {
  return say(it, name, { number: it.card.dataset.number, where: where(it) });
}

function say({ board }, name, values = {}) {
  return JSON.parse(board.dataset.board)[name].replace(/\{(\w+)\}/g, (_all, key) => values[key]);
}
