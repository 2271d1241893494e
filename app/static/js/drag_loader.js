// Tasks are dragged by their handle. What does it is a module of its own, which is asked for when somebody comes near one;
// what they do until it is there, it is told then.
import htmx from "htmx.org";
import { announce, toast } from "./messages.js";
import { panelOf } from "./panels.js";

const EVENTS = ["pointerover", "pointerdown", "pointermove", "pointerup", "pointercancel", "focusin", "focusout", "keydown"];

let module = null;
let missed = null;

export function watchDragging() {
  for (const name of EVENTS) document.addEventListener(name, hear, true); // before the workspace hears of a key
}

function hear(event) {
  if (module) module.take(event);
  else if (missed) missed.push(event);
  else if (event.target.closest?.("[data-grab]")) load(event);
}

async function load(event) {
  missed = [event];
  try {
    const loaded = await import(event.target.closest("[data-carry]").dataset.carry);
    loaded.start({ htmx, announce, toast, panelOf });
    module = loaded;
    for (const each of missed) module.take(each);
  } finally {
    missed = null; // without a connection it is asked for again at the next touch
  }
}
