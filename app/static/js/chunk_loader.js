// Long lists grow while one reads on: by a module of its own, for pages that have more to show. In a panel "Next" stays a
// link: there the address is that of the whole workspace.
import htmx from "htmx.org";
import { announce, say, toast } from "./messages.js";
import { panelOf } from "./panels.js";

const TOOLS = { announce, say, toast, process: (element) => htmx.process(element) };

export function watchChunks() {
  const load = async () => {
    const list = document.querySelector("[data-chunks]");
    if (list && !panelOf(list)) (await import(list.dataset.chunks)).follow(list, TOOLS);
  };
  document.addEventListener("htmx:after:settle", load);
  load();
}
