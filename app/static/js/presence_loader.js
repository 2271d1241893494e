// Where the reader is: on pages that have a place for it, <div data-here="task.<id>">, and in forms that somebody else
// may be changing as well. Who else is there is shown by presence.js, which only such pages load.
import { announce } from "./messages.js";

const EVENTS = ["presence", "edits"];

/** Every place at which the reader of this page is, as the line tells it: "presence task.<id>", "edits task.<id>". */
export function placesHere() {
  const here = channels("[data-here]", "here").map((channel) => `presence ${channel}`);
  const writing = [...document.querySelectorAll("form[data-live-guard]")].filter(isChanged);
  return [...here, ...new Set(writing.map((form) => `edits ${form.dataset.liveGuard}`))];
}

/** Take a message that is about people. Returns whether it was one. */
export function meet(message) {
  if (!EVENTS.includes(message.event)) return false;
  load().then((module) => module?.meet(message, announce));
  return true;
}

/** Call `changed` when somebody begins to write in a form, or takes back what they wrote. */
export function watchWriting(changed) {
  document.addEventListener("htmx:after:settle", async () => (await load())?.show(announce));
  let before = "";
  for (const event of ["input", "reset"]) {
    document.addEventListener(event, ({ target }) => {
      if (!target.closest?.("form[data-live-guard]")) return;
      setTimeout(() => { // a form is reset after it was said to be
        const now = placesHere().join();
        if (now !== before) { before = now; changed(); }
      });
    });
  }
}

function load() {
  const place = document.querySelector("[data-here]");
  return place ? import(place.dataset.module) : Promise.resolve(null);
}

function channels(selector, name) {
  return [...new Set([...document.querySelectorAll(selector)].map((each) => each.dataset[name]))];
}

function isChanged(form) {
  return [...form.elements].some((field) => {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.tagName === "SELECT") return [...field.options].some((option) => option.selected !== option.defaultSelected);
    return "defaultValue" in field && field.type !== "hidden" && field.value !== field.defaultValue;
  });
}
