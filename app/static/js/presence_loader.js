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
  if (message.event === "cursor") showCursor(message);
  else if (EVENTS.includes(message.event)) learn(message);
  else return false;
  return true;
}

async function learn(message) {
  const module = await load();
  module?.meet(message, announce);
  if (module?.isSeen(message.channel) && document.querySelector("[data-cursors], [data-saved]")) pointing(module);
}

async function showCursor(message) {
  const module = await load();
  if (module) (await pointing(module)).show(message, module.person(message.channel, message.user));
}

let speak;
let pointer;

/** What shows where others point, and says where we do: loaded once somebody else is there. */
function pointing(module) {
  const { cursorsModule } = document.querySelector("[data-here]").dataset;
  pointer ??= import(cursorsModule).then((loaded) => { loaded.watchPointing(module.isSeen, speak); return loaded; });
  return pointer;
}

/** Call `changed` when somebody begins to write in a form, or takes back what they wrote. `say` tells the line something. */
export function watchWriting(changed, say) {
  speak = say;
  document.addEventListener("htmx:after:settle", async () => (await load())?.show(announce));
  let before = "";
  document.addEventListener("htmx:after:settle", () => { before = placesHere().join(); }); // as the line is told then
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
