// A file of its own, for whoever takes a task by its handle: a card of a board, or a row of a list. With a pointer or with
// the keyboard it goes to another place of its board, to the column of a board in another panel, or to a person. What is
// done in the end is what a form does: that in the card's menu, or that of assigning a task. The server decides.

const FAR_ENOUGH = 4; // pixels, before a press is a drag
const EDGE = 56; // so near to an edge what scrolls goes along
const SPEED = 14;
const TARGETS = "[data-person-here], [data-column]";

let tools = null; // htmx, and the ways to say something
let press = null; // a pointer that is down on a handle
let drag = null; // the task that is on its way

/** Begin. `given` are parts of the page's own script, which has them already. */
export function start(given) {
  tools = given;
  // Nothing is swapped away under the hand: what came meanwhile is asked for again at the end.
  document.addEventListener("htmx:before:swap", (event) => {
    if (!drag) return;
    const target = event.detail.tasks?.[0]?.target ?? event.target;
    if (drag.held.has(target)) {
      event.preventDefault();
      drag.missed.add(target);
    } else if (target.contains?.(drag.item)) {
      cancel();
    }
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => answered(ctx));
}

const HEARS = {
  pointerdown: pressed,
  pointermove: moved,
  pointerup: (event) => released(event, drop),
  pointercancel: (event) => released(event, cancel),
  keydown: typed,
  focusout: ({ target }) => { if (drag?.by === "keyboard" && !drag.moving && target === drag.handle) cancel(); },
};

/** Take an event of the page. */
export function take(event) {
  HEARS[event.type]?.(event);
}

// ---- With a pointer ----

function pressed(event) {
  const handle = event.target.closest?.("[data-grab]");
  if (!handle || !event.isPrimary || event.button !== 0 || drag) return;
  try {
    handle.closest("[data-carry]").setPointerCapture(event.pointerId); // the handle itself is about to be moved about
  } catch {
    return; // it was over before this file was there
  }
  press = { handle, id: event.pointerId, x: event.clientX, y: event.clientY };
}

function moved(event) {
  if (event.pointerId !== press?.id) return;
  const { clientX: x, clientY: y } = event;
  if (!drag) {
    if (Math.hypot(x - press.x, y - press.y) < FAR_ENOUGH || isOnItsWay(press.handle)) return;
    lift(press.handle, "pointer");
    drag.ghost = ghostOf(drag, press);
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

/** What goes with the pointer: the card as it looks, or of a row its number and its name; and what a drop would do. */
function ghostOf({ item, board, number }, { x, y }) {
  const box = item.getBoundingClientRect();
  const element = board ? item.cloneNode(true) : document.createElement("div");
  for (const each of [element, ...element.querySelectorAll("[id]")]) each.removeAttribute("id");
  for (const name of ["data-card", "data-lifted"]) element.removeAttribute(name);
  element.querySelector("details")?.removeAttribute("open");
  if (!board) element.textContent = `${number} ${item.querySelector("a[href]").textContent}`;
  element.classList.add("card", "ghost");
  element.inert = true;
  element.style.inlineSize = `${Math.min(box.width, 280)}px`;
  const why = document.createElement("p");
  why.className = "ghost__why";
  element.append(why);
  document.body.append(element);
  return { element, why, dx: Math.min(x - box.left, 260), dy: board ? y - box.top : 16 };
}

function follow() {
  const { at: { x, y }, ghost, board, item } = drag;
  const left = Math.max(0, Math.min(x - ghost.dx, innerWidth - ghost.element.offsetWidth)); // what a drop would do is read on it
  ghost.element.style.translate = `${left}px ${y - ghost.dy}px`;
  const under = document.elementFromPoint(x, y);
  const target = drag.targets.find((each) => each.element.contains(under)) ?? null;
  aimAt(target, y);
  const column = under?.closest("[data-column]");
  if (board && (target || tools.panelOf(under) !== tools.panelOf(board))) put(drag.home.list, drag.home.next);
  if (!column || !board?.contains(column) || !drag.may.includes("move")) return;
  const list = column.querySelector("[data-state]");
  const next = firstBelow(list, y);
  if (item.parentElement !== list || item.nextElementSibling !== next) put(list, next);
}

/** The first card of a column that lies below a point, but for the one in the hand; null at its end. */
function firstBelow(list, y) {
  return others(list).find((each) => { const box = each.getBoundingClientRect(); return y < box.top + box.height / 2; }) ?? null;
}

/** Boards, panels and pages are larger than a screen: near their edges they go along. */
function scrollAlong() {
  if (drag?.by !== "pointer") return;
  const { x, y } = drag.at;
  const rooms = [document.scrollingElement];
  for (let each = document.elementFromPoint(x, y); each; each = each.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(each).overflow)) rooms.push(each);
  }
  if (rooms.filter((room) => push(room, x, y)).length) follow();
  requestAnimationFrame(scrollAlong);
}

function push(room, x, y) {
  const box = room === document.scrollingElement ? { left: 0, top: 0, right: innerWidth, bottom: innerHeight } : room.getBoundingClientRect();
  const pull = (place, from, to) => (place < from + EDGE ? -SPEED : place > to - EDGE ? SPEED : 0);
  const [left, top] = [room.scrollLeft, room.scrollTop];
  room.scrollBy(pull(x, Math.max(box.left, 0), Math.min(box.right, innerWidth)), pull(y, Math.max(box.top, 0), Math.min(box.bottom, innerHeight)));
  return room.scrollLeft !== left || room.scrollTop !== top;
}

// ---- With the keyboard ----

const onward = () => (document.dir === "rtl" ? -1 : 1); // a page that is read from the right has its next column at the left
const STEPS = { ArrowUp: stepUp, ArrowDown: stepDown, ArrowLeft: () => stepAside(-onward()), ArrowRight: () => stepAside(onward()) };
const WAYS = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 };

function typed(event) {
  if (drag?.by === "pointer") {
    if (event.key === "Escape") cancel();
    return;
  }
  const handle = event.target.closest?.("[data-grab]");
  if (!handle || event.ctrlKey || event.metaKey || event.altKey) return;
  const lifts = event.key === " " || event.key === "Enter";
  const act = drag ? actOf(event, lifts) : lifts && !isOnItsWay(handle) && (() => lift(handle, "keyboard"));
  if (!act || event.repeat && lifts) return;
  event.preventDefault();
  act();
}

function actOf({ key, shiftKey }, lifts) {
  const way = shiftKey ? -1 : 1;
  if (lifts) return drop;
  if (key === "Escape") return cancel;
  if (key === "Tab") return () => turn(way);
  if (key === "F6") return () => turn(way, true);
  if (key === "[" || key === "]") return () => turn(key === "[" ? -1 : 1, true);
  return drag.board && !drag.aim && drag.may.includes("move") ? STEPS[key] : WAYS[key] && (() => turn(WAYS[key]));
}

/** On to the next of the targets, or of their groups; before the first of them, the task is where it was. */
function turn(way, byGroup = false) {
  const all = [null, ...drag.targets];
  const here = all.indexOf(drag.aim);
  const isFirst = (at) => !byGroup || at === 0 || all[at].group !== all[at - 1]?.group;
  let to = here;
  do to = (to + way + all.length) % all.length; while (to !== here && !isFirst(to));
  if (drag.board) put(drag.home.list, drag.home.next);
  aimAt(all[to]);
  (drag.aim?.element ?? drag.item).scrollIntoView({ block: "nearest", inline: "nearest" });
  tools.announce(drag.aim ? tellTarget(drag, drag.aim) : where(drag));
}

function stepUp() {
  const before = drag.item.previousElementSibling;
  step(drag.item.parentElement, before ?? drag.item.nextElementSibling);
}

function stepDown() {
  const next = drag.item.nextElementSibling;
  step(drag.item.parentElement, next ? next.nextElementSibling : null);
}

function stepAside(way) {
  const lists = [...drag.board.querySelectorAll("[data-state]")];
  const towards = getComputedStyle(drag.board).direction === "rtl" ? -way : way;
  const list = lists[lists.indexOf(drag.item.parentElement) + towards];
  if (list) step(list, others(list)[[...drag.item.parentElement.children].indexOf(drag.item)] ?? null);
}

function step(list, next) {
  if (next !== drag.item) put(list, next);
  drag.item.scrollIntoView({ block: "nearest", inline: "nearest" });
  tools.announce(where(drag));
}

// ---- What it may be dropped on ----

function targetsOf(it) {
  const around = [...document.querySelectorAll(TARGETS)].filter((each) => !it.board?.contains(each) || each.matches("[data-person-here]"));
  return around.filter((each) => each.checkVisibility()).map((element) => ({ element, ...(element.matches("[data-column]") ? columnOf(element, it) : personOf(element, it)) }));
}

function personOf(element, it) {
  const { personHere: id, name, gone } = element.dataset;
  const why = gone !== undefined ? "gone" : it.may.includes("assign") ? "" : "may_not_assign";
  return { id, name, why, does: "assign", group: groupOf(element) };
}

function columnOf(element, it) {
  const list = element.querySelector("[data-state]");
  const board = element.closest("[data-board]");
  const from = board.querySelector(`[data-state="${CSS.escape(it.state)}"]`);
  const leads = list === from || from?.dataset.ways.split(" ").includes(list.dataset.state);
  const isOther = board.dataset.board !== it.program;
  const why = isOther ? "elsewhere" : !it.may.includes("move") ? "may_not_move" : leads ? "" : "closed";
  return { list, board, isOther, why, name: list.dataset.name, does: "move", group: groupOf(board) };
}

/** What F6 goes over at once: the people of a page, or a board. */
function groupOf(element) {
  return element.closest(".hands, [data-board], [data-panel], main");
}

/** Show what the task would go to, and what would become of it. */
function aimAt(target, y = null) {
  const { aim, ghost } = drag;
  if (aim) delete aim.element.dataset.aimed;
  document.querySelector("[data-next]")?.removeAttribute("data-next");
  drag.aim = target;
  if (ghost) {
    ghost.why.textContent = !target ? "" : target.why ? say(drag, target.why) : say(drag, target.does, target);
    ghost.why.toggleAttribute("data-refused", Boolean(target?.why));
    ghost.element.toggleAttribute("data-over", Boolean(target));
  }
  if (!target) return;
  target.element.dataset.aimed = "";
  if (!target.list || target.why) return;
  target.next = y === null ? null : firstBelow(target.list, y);
  target.next?.setAttribute("data-next", "");
}

/** Do what the target stands for. Of another program's board we know that it cannot be; all else the server decides. */
async function give(it, target) {
  if (target.isOther) {
    tools.toast(say(it, target.why), "attention");
    return;
  }
  const source = target.list ? target.element.firstElementChild : it.handle; // htmx would send all fields that are in it
  source.setAttribute("hx-sync", "queue all"); // it waits for nothing, and nothing takes its place
  const url = `${it.tasks}/${it.id}`;
  const panel = tools.panelOf(it.item);
  const back = panel ? `${it.tasks.replace(/tasks$/, "")}${panel.dataset.path}` : location.pathname + location.search;
  if (target.board) {
    const values = { state: target.list.dataset.state, after: afterOf(target, it) };
    if (values.state === it.state) delete values.state;
    if (it.version) values.version = it.version;
    await tools.htmx.ajax("POST", `${url}/place`, { source, target: target.board, swap: "outerMorph", values });
  } else {
    const values = { user_id: target.id };
    await tools.htmx.ajax("POST", `${url}/assignment?back=${encodeURIComponent(back)}`, { source, target: source, swap: "none", values });
  }
  ask([it.part, target.element.closest("[data-live]")].filter((part) => part !== target.board));
}

/** The card behind which the task is to come in another board: "" at the top. */
function afterOf({ list, next }, it) {
  const cards = [...list.children].filter((each) => each.dataset.card !== it.id);
  return (next ? cards[cards.indexOf(next) - 1] : cards.at(-1))?.dataset.card ?? "";
}

// ---- Either way ----

/** Whether a card was dropped elsewhere just now: where it is, and which version of it that was, its answer says. */
function isOnItsWay(handle) {
  return Boolean(handle.closest("[data-card]")?.querySelector("form.htmx-request"));
}

function lift(handle, by) {
  const item = handle.closest("[data-card], [data-row]");
  const board = item.closest("[data-board]");
  const { card, row, number, may, version } = item.dataset;
  const carry = item.closest("[data-carry]").dataset;
  const form = item.querySelector("form");
  drag = {
    item, board, handle, by, number, may, id: card ?? row, state: item.dataset.in, program: board?.dataset.board ?? item.dataset.program,
    version: version ?? form?.elements.version.value, words: JSON.parse(carry.words), tasks: carry.tasks, part: item.closest("[data-live]"),
    home: { list: item.parentElement, next: item.nextElementSibling }, aim: null, missed: new Set(),
  };
  drag.targets = targetsOf(drag);
  const near = [item, ...drag.targets.map(({ element }) => element)];
  drag.held = new Set([...document.querySelectorAll("[data-live]")].filter((part) => near.some((each) => part.contains(each))));
  for (const part of drag.held) part.dataset.liveHold = ""; // what others do meanwhile has to wait
  item.dataset.lifted = by;
  handle.setAttribute("aria-pressed", "true");
  document.documentElement.dataset.carrying = by;
  document.getElementById("announcer").ariaLive = "assertive"; // each step is heard at once, not after the ones before it
  for (const list of board?.querySelectorAll("[data-state]") ?? []) if (!isOpen(drag, list)) list.closest("[data-column]").dataset.closed = "";
  for (const { element, why } of drag.targets) if (why) element.dataset.closed = "";
  if (by === "keyboard") tools.announce(`${tell(drag, "lifted")} ${say(drag, drag.targets.length || board ? "around" : "nowhere", { count: drag.targets.length })}`);
}

function drop() {
  const it = drag;
  const { item, home, aim } = it;
  if (aim) put(home.list, home.next);
  end();
  const stays = item.parentElement === home.list && item.nextElementSibling === home.next;
  if (aim || stays) ask(it.missed);
  if (aim) give(it, aim);
  else if (!stays) send(it);
  if (it.by === "keyboard" && !aim) tools.announce(tell(it, stays ? "cancelled" : "dropped"));
}

function cancel() {
  const it = drag;
  put(it.home.list, it.home.next);
  end();
  ask(it.missed);
  tools.announce(tell(it, "cancelled"));
}

function end() {
  const { item, handle, ghost, held } = drag;
  aimAt(null);
  for (const part of held) delete part.dataset.liveHold;
  for (const each of document.querySelectorAll("[data-closed]")) delete each.dataset.closed;
  delete item.dataset.lifted;
  handle.removeAttribute("aria-pressed");
  delete document.documentElement.dataset.carrying;
  document.getElementById("announcer").ariaLive = "polite";
  ghost?.element.remove();
  drag = null;
}

/** Have parts of the page ask for themselves: an answer was held back, or they show what was done here. */
function ask(parts) {
  for (const part of new Set(parts)) if (part?.isConnected) part.dispatchEvent(new CustomEvent("live"));
}

const sent = new Map(); // forms on their way, with what to put back should they not arrive

/** Another place on its own board: what the form in the card's menu does, sent with the place. */
function send(it) {
  const { item, home } = it;
  const form = item.querySelector("form");
  const place = { after: item.previousElementSibling?.dataset.card ?? "" };
  if (item.parentElement !== home.list) place.state = item.parentElement.dataset.state;
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
  const { item, home, board } = it;
  if (home.list.isConnected && item.isConnected) place(item, home.list, home.next?.parentElement === home.list ? home.next : null);
  ask([board]);
}

function put(list, next) {
  if (drag.item.parentElement === list && drag.item.nextElementSibling === next) return;
  if (!drag.board || next === drag.item) return;
  drag.moving = true; // the focus leaves for a moment, where the browser cannot move without taking out
  place(drag.item, list, next);
  if (drag.by === "keyboard") drag.handle.focus({ preventScroll: true });
  drag.moving = false;
}

function place(item, list, next) {
  if (list.moveBefore && item.isConnected) list.moveBefore(item, next);
  else list.insertBefore(item, next);
}

function others(list) {
  return [...list.children].filter((each) => each !== drag.item);
}

function isOpen({ item, home, may }, list) {
  return may.includes("move") && (list === home.list || item.dataset.ways.split(" ").includes(list.dataset.state));
}

// ---- What is said ----

function where(it) {
  if (!it.board) return say(it, "listed");
  const list = it.item.parentElement;
  const words = say(it, "where", { state: list.dataset.name, place: [...list.children].indexOf(it.item) + 1, count: list.children.length });
  return isOpen(it, list) ? words : `${words} ${say(it, it.may.includes("move") ? "closed" : "may_not_move")}`;
}

function tellTarget(it, target) {
  const of = { name: target.name, place: it.targets.indexOf(target) + 1, count: it.targets.length };
  if (target.why) return say(it, "refused", { ...of, why: say(it, target.why) });
  return say(it, "aimed", { ...of, what: say(it, target.does, of) });
}

function tell(it, name) {
  return say(it, name, { number: it.number, where: where(it) });
}

function say({ words }, name, values = {}) {
  return words[name].replace(/\{(\w+)\}/g, (_all, key) => values[key]);
}
