// What is typed into a field with `data-draft` is kept on this machine until it was sent: a closed tab or an ended
// session loses nothing. Drafts belong to one person, and signing out forgets them. Passwords and content to certify
// never carry the attribute.

import { say } from "./messages.js";

const WAIT_MS = 300;
const PREFIX = "draft:";

export function watchDrafts() {
  const person = document.body.dataset.person;
  if (!person || !storage()) return;
  forget((key) => !key.startsWith(`${PREFIX}${person}:`)); // somebody else worked here before
  restoreIn(document);
  document.addEventListener("htmx:after:settle", ({ target }) => restoreIn(target));
  document.addEventListener("input", ({ target }) => { if (target.matches?.("[data-draft]")) later(target); });
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (ctx.response.status < 400 && ctx.sourceElement.matches("form")) sent(ctx.sourceElement, writtenSince(ctx.sourceElement, ctx));
  });
  document.addEventListener("together:joined", ({ target }) => sent(target)); // from here on the server keeps the words
  document.addEventListener("submit", ({ target }) => {
    if (!target.matches("[data-sign-out]")) return;
    for (const field of [...waiting.keys()]) stopWaiting(field);
    forget(() => true);
  });
  // Whoever is led away in the middle of a word, as by a session that has ended, finds that word again as well.
  document.addEventListener("htmx:before:swap", keepAll);
  addEventListener("pagehide", keepAll);
}

const waiting = new Map();

function later(field) {
  clearTimeout(waiting.get(field));
  waiting.set(field, setTimeout(() => keep(field), WAIT_MS));
}

function keepAll() {
  for (const field of [...waiting.keys()]) keep(field);
}

function keep(field) {
  stopWaiting(field);
  if (!field.isConnected) return;
  if (field.value === field.defaultValue) storage().removeItem(keyOf(field));
  else storage().setItem(keyOf(field), JSON.stringify({ text: field.value, over: field.defaultValue }));
}

function stopWaiting(field) {
  clearTimeout(waiting.get(field));
  waiting.delete(field);
}

/** The fields in which somebody has written on since their form was sent: that is for the next time. */
export function writtenSince(form, { request: { body } }) {
  return [...form.querySelectorAll("[data-draft]")].filter(({ name, value }) => body && !body.getAll(name).includes(value));
}

function sent(form, written = []) {
  for (const field of form.querySelectorAll("[data-draft]")) {
    if (written.includes(field)) continue;
    stopWaiting(field);
    storage().removeItem(keyOf(field));
    noteOf(field)?.remove();
  }
}

const known = new WeakSet(); // fields that were offered what there was

function restoreIn(root) {
  for (const field of root.querySelectorAll?.("[data-draft]") ?? []) {
    const draft = read(field);
    const isKnown = known.has(field);
    known.add(field);
    if (!draft || draft.text === field.value || noteOf(field)) continue;
    // What came up since a field is there is being written in another tab.
    if (isKnown && draft.over === field.defaultValue) continue;
    // A form that comes back with errors holds the newest text already, and what was saved since is not overwritten.
    if (draft.over === field.defaultValue) {
      field.value = draft.text;
      note(field, say("restored"), [say("discard"), () => discard(field)]);
    } else if (!field.form?.querySelector("[id$=error-summary], [aria-invalid]")) {
      note(field, say("older"),
        [say("use"), () => { field.value = draft.text; field.dispatchEvent(new Event("input", { bubbles: true })); noteOf(field)?.remove(); field.focus(); }], [say("discard"), () => discard(field)]);
    }
  }
}

function discard(field) {
  storage().removeItem(keyOf(field));
  field.value = field.defaultValue;
  noteOf(field)?.remove();
  field.focus();
}

function note(field, text, ...choices) {
  const line = document.createElement("p");
  line.className = "draft";
  line.dataset.draftNote = field.name;
  line.append(text);
  for (const [label, act] of choices) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", act);
    line.append(button);
  }
  (field.closest(".field") ?? field).append(line);
}

function noteOf(field) {
  return field.form?.querySelector(`[data-draft-note="${CSS.escape(field.name)}"]`);
}

function read(field) {
  try {
    return JSON.parse(storage().getItem(keyOf(field)));
  } catch {
    return null; // not written by this version of us
  }
}

function keyOf(field) {
  return `${PREFIX}${document.body.dataset.person}:${new URL(field.form.action).pathname}:${field.name}`;
}

function forget(which) {
  for (const key of Object.keys(storage())) if (key.startsWith(PREFIX) && which(key)) storage().removeItem(key);
}

function storage() {
  try {
    return window.localStorage;
  } catch {
    return null; // switched off by the browser's settings
  }
}
