// Messages: seen as toasts, or only heard. Both places stand outside of everything that is swapped.
import { isPage } from "./navigation.js";

const KEEP_MS = 10_000;

/** The sentence that scripts say for `name`, in the language of the page (layouts/document.html has them all). */
export function say(name) {
  return JSON.parse(document.getElementById("announcer").dataset.words)[name];
}

/** Show `text` for ten seconds. `tone` is good, information, attention or danger; a danger stays until it is closed. */
export function toast(text, tone = "information") {
  const box = document.getElementById("toasts");
  if (!box) return;
  const item = document.createElement("div");
  item.className = `toast ${tone}`;
  const words = document.createElement("p");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "×";
  close.setAttribute("aria-label", say("close"));
  close.addEventListener("click", () => item.remove());
  item.append(words, close);
  box.append(item);
  if (tone !== "danger") setTimeout(() => item.remove(), KEEP_MS);
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
  // The server may send one along: HX-Trigger: {"toast": {"text": "...", "tone": "good"}}
  document.addEventListener("toast", ({ detail }) => toast(detail.text ?? detail.value, detail.tone));
}
