// Messages: seen as toasts, or only heard. Both places stand outside of everything that is swapped.
import htmx from "htmx.org";
import { isPage } from "./navigation.js";

const KEEP_MS = 10_000;

/** The sentence that scripts say for `name`, in the language of the page (layouts/document.html has them all). */
export function say(name) {
  return JSON.parse(document.getElementById("announcer").dataset.words)[name];
}

/**
 * Show `text` for ten seconds, or longer while somebody points at it or stands in it with the keyboard. `tone` is good,
 * information, attention or danger; a danger stays until it is closed. `undo` is a form: its url and its fields.
 */
export function toast(text, tone = "information", undo = null) {
  if (tone === "good") giveWay();
  const item = put(text, tone, (box) => (undo ? [takingBack(undo, box)] : []));
  if (item && tone !== "danger") passAway(item);
}

/** Show `text` with a button called `label` that does `act`, until somebody presses it or closes it. */
export function offer(text, label, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "toast__undo";
  button.textContent = label;
  button.addEventListener("click", act);
  put(text, "information", () => [button]);
}

function put(text, tone, more) {
  const box = document.getElementById("toasts");
  if (!box) return null;
  const item = document.createElement("div");
  item.className = `toast ${tone}`;
  const words = document.createElement("p");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "×";
  close.setAttribute("aria-label", say("close"));
  close.addEventListener("click", () => item.remove());
  item.append(words, ...more(item), close);
  box.append(item);
  htmx.process(item);
  return item;
}

/** One confirmation at a time: that of before goes, unless something can be taken back by it, or a hand is on it. */
function giveWay() {
  for (const old of document.querySelectorAll("#toasts > .good:not(:has(form), :hover, :focus-within)")) old.remove();
}

function passAway(item) {
  let timer;
  const start = () => { clearTimeout(timer); timer = setTimeout(() => item.remove(), KEEP_MS); };
  const stop = () => clearTimeout(timer);
  item.addEventListener("pointerenter", stop);
  item.addEventListener("pointerleave", start);
  item.addEventListener("focusin", stop);
  item.addEventListener("focusout", start);
  start();
}

/** An ordinary form, which hx-boost carries to the page that shows the thing as it was. */
function takingBack({ url, fields }, item) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = url;
  form.setAttribute("hx-sync", "drop");
  // Beside each other the panels see for themselves: each of them follows what it shows.
  if (document.getElementById("workspace")) form.setAttribute("hx-boost", "swap:none push:false");
  for (const [name, value] of Object.entries(fields)) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    form.append(field);
  }
  const button = document.createElement("button");
  button.className = "toast__undo";
  button.textContent = say("undo");
  form.append(button);
  form.addEventListener("htmx:after:request", () => item.remove());
  return form;
}

/** Whether a request does what the form of a toast would do. */
function isSameAct(form, { action, body }) {
  const at = (url) => new URL(url, document.baseURI).pathname;
  return at(form.action) === at(action) && [...new FormData(form)].every(([name, value]) => body?.get?.(name) === value);
}

/** Have `text` read aloud, and shown to nobody. */
export function announce(text) {
  const box = document.getElementById("announcer");
  if (!box) return;
  box.textContent = "";
  requestAnimationFrame(() => { box.textContent = text; });
}

/** Every element with an id and `data-announce` is read aloud when an answer has changed what it says. */
export function watchMessages() {
  let said = new Map();
  const speaking = (root) => [root, ...root.querySelectorAll("[data-announce]")].filter((e) => e.id && e.dataset?.announce);
  document.addEventListener("htmx:before:swap", () => {
    said = new Map(speaking(document.body).map((e) => [e.id, e.dataset.announce]));
  });
  document.addEventListener("htmx:after:settle", ({ target }) => {
    // On another page everything is new, and its heading has the focus: only what was there before has news.
    const isNews = (e) => said.get(e.id) !== e.dataset.announce && (said.has(e.id) || !isPage(target));
    const news = target === document.body ? [] : speaking(target).filter(isNews);
    if (news.length) announce(news.at(-1).dataset.announce);
  });
  // What a toast offers to take back may be taken back elsewhere: then it offers it no longer.
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (ctx.request.method === "GET" || ctx.response.status >= 400) return;
    for (const form of document.querySelectorAll("#toasts form")) if (isSameAct(form, ctx.request)) form.parentElement.remove();
  });
  // The server sends them along: HX-Trigger: {"toast": {"said": [{"text": "...", "tone": "good", "undo": null}]}}
  document.addEventListener("toast", ({ detail }) => {
    for (const { text, tone, undo } of detail.said) toast(text, tone, undo);
  });
}
