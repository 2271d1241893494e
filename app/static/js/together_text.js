// A textarea and a text of Yjs that say the same.
//
// What is typed is put into the text as one change; what others do moves neither the caret nor what is marked. While an
// input method composes a word, the textarea is left alone: what others did meanwhile is shown when the word is there.
import { UndoManager } from "yjs";

const UNDO = { historyUndo: "undo", historyRedo: "redo" };
const PAUSE_MS = 600; // after which typing is a step of its own to undo

/** Bind `field` to `text`, a Y.Text: until `letGo`; `refresh` is for when somebody else has put words into the field. */
export function bind(field, text) {
  const origin = {}; // our own changes, which are the only ones that we undo
  const undoing = new UndoManager(text, { trackedOrigins: new Set([origin]), captureTimeout: PAUSE_MS });
  let shown = text.toString();
  let composing = false;
  let last = null; // where one has typed last: somewhere else is a step of its own to undo
  let missed = []; // what others did while a word was composed

  field.value = shown;

  const take = () => {
    if (field.value === shown && !missed.length) return;
    const change = difference(shown, field.value, field.selectionEnd);
    shown = field.value;
    const [start, end] = missed.reduce((places, delta) => places.map((place) => moved(place, delta)), [change.start, change.end]);
    const wasMissing = missed.length > 0;
    missed = [];
    if (start !== last && end !== last) undoing.stopCapturing();
    last = start + change.words.length;
    text.doc.transact(() => {
      if (end > start) text.delete(start, end - start);
      if (change.words) text.insert(start, change.words);
    }, origin);
    if (wasMissing) show(start + change.words.length, start + change.words.length);
  };
  const show = (start, end) => {
    const { scrollTop, selectionDirection } = field;
    shown = text.toString();
    field.value = shown;
    if (document.activeElement === field) field.setSelectionRange(start, end, selectionDirection);
    field.scrollTop = scrollTop;
  };
  const hear = (event) => {
    if (event.transaction.origin === origin) return;
    if (last !== null) last = moved(last, event.delta);
    if (composing) { missed.push(event.delta); return; }
    const own = event.transaction.origin === undoing;
    const places = [field.selectionStart, field.selectionEnd].map((place) => moved(place, event.delta, own));
    show(...places);
  };
  const listeners = {
    input: () => { if (!composing) take(); },
    compositionstart: () => { composing = true; },
    compositionend: () => { composing = false; take(); },
    beforeinput: (event) => { if (UNDO[event.inputType]) { event.preventDefault(); undoing[UNDO[event.inputType]](); } },
    keydown: (event) => {
      const way = composing ? null : wayOf(event);
      if (way) { event.preventDefault(); undoing[way](); }
    },
  };
  for (const [name, listener] of Object.entries(listeners)) field.addEventListener(name, listener);
  text.observe(hear);
  return {
    letGo() {
      for (const [name, listener] of Object.entries(listeners)) field.removeEventListener(name, listener);
      text.unobserve(hear);
      undoing.destroy();
    },
    refresh() {
      if (!composing && field.value !== shown) show(field.selectionStart, field.selectionEnd);
    },
  };
}

function wayOf({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  if (altKey || ctrlKey === metaKey) return null;
  if (key.toLowerCase() === "z") return shiftKey ? "redo" : "undo";
  return ctrlKey && key.toLowerCase() === "y" ? "redo" : null;
}

/** What has to be done to `before` so that it becomes `after`, whose caret stands behind what was typed. */
export function difference(before, after, caret = after.length) {
  const most = Math.min(before.length, after.length);
  let tail = 0;
  while (tail < Math.min(most, after.length - caret) && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  let head = 0;
  while (head < most - tail && before[head] === after[head]) head += 1;
  while (tail < most - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  if (isHigh(before, head - 1) || isHigh(after, head - 1)) head -= 1; // no sign is cut in two
  if (isLow(before, before.length - tail) || isLow(after, after.length - tail)) tail -= 1;
  return { start: head, end: before.length - tail, words: after.slice(head, after.length - tail) };
}

function isHigh(words, place) {
  return (words.charCodeAt(place) & 0xfc00) === 0xd800;
}

function isLow(words, place) {
  return (words.charCodeAt(place) & 0xfc00) === 0xdc00;
}

/** Where a place is after `delta`. What is put in exactly there comes behind it, unless one has put it there oneself. */
function moved(place, delta, own = false) {
  let at = 0;
  let now = place;
  for (const { retain = 0, insert = "", delete: gone = 0 } of delta) {
    if (at > now) break;
    at += retain;
    if (insert) {
      if (at < now || (own && at === now)) now += insert.length;
      at += insert.length;
    }
    if (gone && at < now) now = Math.max(at, now - gone);
  }
  return now;
}
