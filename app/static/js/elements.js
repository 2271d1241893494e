// Elements that came with the word that they have changed: a card goes to where it lies now, and a row is shown as it is now,
// without a request. A page that shows such a thing imports this. What does not fit is asked for as ever: `put` says whether it was put in its place.
const IDS = /(\s(?:id|for|aria-(?:controls|describedby|labelledby))=")([^"]+)/g;
const MOST_CARDS = 100; // in one column: app/queries/boards.py
const LAST = "~"; // after every rank

const received = new WeakSet(); // parts that something of somebody else was put into

/**
 * Whether a part has to be shown what was done in it as well, once that was answered: something of somebody else may have
 * come after the answer that was older than it.
 */
export function isReceiving(part) {
  return received.has(part) && !isSending(part);
}

export function put(part, { html }, htmx) {
  if (isSending(part)) return false; // its answer may be older, or newer
  const text = apart(html, part.closest("[data-panel]"));
  const parsed = new DOMParser().parseFromString(`<template>${text}</template>`, "text/html"); // in which a row may stand by itself
  const element = parsed.querySelector("template").content.firstElementChild;
  if (!(element.dataset.card ? putCard : putRow)(part, element, text, htmx)) return false;
  received.add(part);
  return true;
}

/** What stands in a panel has ids of its own there: what app/web/panel_markup.py does, which knows our markup as well. */
function apart(html, panel) {
  const named = (ids) => ids.split(" ").map((id) => `${panel.dataset.panel}-${id}`).join(" ");
  return panel ? html.replace(IDS, (_all, name, ids) => name + named(ids)) : html;
}

/**
 * A row stays where it is: a change moves none. Where the list is narrowed by what has changed, or shows more of it beside its
 * rows, it is asked for; so it is where the row is not shown, as it may belong there now.
 */
function putRow(part, row, text, htmx) {
  const list = part.closest("[data-decide]");
  const old = list?.querySelector(`[data-row="${row.dataset.row}"]`);
  if (!old || list.dataset.decide.split(" ").some((fact) => factOf(fact, old) !== factOf(fact, row))) return false;
  if (part.contains(old)) show(part, old, text, htmx); // else another chunk of the list shows it
  return true;
}

function factOf(fact, row) {
  return fact === "name" ? row.querySelector(".list__link").textContent : row.dataset[fact];
}

function show(part, old, text, htmx) {
  htmx.swap({ sourceElement: part, sourceEvent: new CustomEvent("live"), target: old, swap: "outerMorph", text });
}

function putCard(board, card, text, htmx) {
  const old = board.querySelector(`[data-card="${card.dataset.card}"]`);
  const [from, to] = [old?.parentElement, board.querySelector(`[data-state="${card.dataset.in}"]`)];
  const counts = from === to ? [] : [[from, -1], [to, 1]].filter(([list]) => list);
  if (!to || counts.some(([list, by]) => isPartial(list) || !(countOf(list, by) < 1000)) || isPartial(to)) return false;
  if (from !== to && to.children.length >= MOST_CARDS) return false;
  const next = [...to.children].find((each) => each !== old && isBefore(card, each)) ?? null;
  if (!old) {
    to.insertBefore(document.adoptNode(card), next);
    htmx.process(card);
  } else {
    if (from !== to || old.nextElementSibling !== next) place(old, to, next);
    show(board, old, text, htmx);
  }
  for (const [list, by] of counts) numberOf(list).data = countOf(list, by);
  return true;
}

function isSending(part) {
  return Boolean(part.querySelector(".htmx-request"));
}

/** Whether a column shows the first of its cards only: what comes and goes there is for the server to say. */
function isPartial(list) {
  return Boolean(list.closest("[data-column]").querySelector(".board__more"));
}

/** How many there are once so many have come. None where the number is too long to be written without its reader's manner. */
function countOf(list, by) {
  return Number(numberOf(list).data) + by;
}

function numberOf(list) {
  return list.closest("[data-column]").querySelector(".board__count").lastChild;
}

function isBefore(one, other) {
  const [a, b] = [one, other].map(({ dataset }) => [dataset.rank || LAST, dataset.card]);
  return a[0] === b[0] ? a[1] < b[1] : a[0] < b[0];
}

/** Put a card elsewhere, with the focus that it may have. */
function place(card, list, next) {
  const focused = document.activeElement;
  if (list.moveBefore) list.moveBefore(card, next);
  else list.insertBefore(card, next);
  if (card.contains(focused) && focused !== document.activeElement) focused.focus({ preventScroll: true });
}
