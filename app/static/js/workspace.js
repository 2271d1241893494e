// A file of its own, for pages with a workspace: panels are opened, closed, moved and sized in place, and those that stay
// are left alone: their nodes, how far they are scrolled, where the keyboard is. What is open stands in the address.
import { forget, write } from "./workspace/address.js";
import { desk, isOurs, say, take } from "./workspace/desk.js";
import { gone } from "./workspace/history.js";
import { typed } from "./workspace/keyboard.js";
import { clicked } from "./workspace/links.js";
import { arrived, asButton, markBusy, markIdle, noteDeed } from "./workspace/panels.js";
import { pressed } from "./workspace/pointer.js";
import { goneTo, scrolled, watchSight } from "./workspace/sight.js";

/** Take over a workspace. `given` is what the page has loaded already: htmx, the ways to say something, the hand. */
export function start(place, given) {
  if (place === desk) return;
  const isFirst = desk === null;
  take(place, given);
  forget(); // of the workspace before, what was to be written yet
  for (const link of desk.querySelectorAll("a[data-href]")) lead(link);
  for (const link of desk.querySelectorAll("a[data-act]")) link.replaceWith(asButton(link));
  watchSight();
  history.replaceState({ htmx: true, ...history.state }, ""); // so that Back brings back what was open first, too
  if (isFirst) watch();
}

function watch() {
  for (const deed of ["pointerdown", "keydown", "wheel"]) addEventListener(deed, noteDeed, { capture: true, passive: true });
  document.addEventListener("click", clicked, true); // before htmx hears of it
  document.addEventListener("keydown", typed, true);
  document.addEventListener("pointerdown", pressed);
  for (const type of ["focusin", "pointerdown"]) document.addEventListener(type, goneTo);
  for (const type of ["wheel", "touchmove"]) document.addEventListener(type, scrolled, { passive: true });
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => markBusy(ctx));
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => markIdle(ctx));
  document.addEventListener("htmx:after:settle", ({ target }) => { if (isOurs(target) && target.matches("[data-panel]")) arrived(target); });
  document.addEventListener("htmx:after:settle", ({ target }) => { if (isOurs(target) && target.querySelector("[data-unsaved]")) unsave(); });
  document.addEventListener("htmx:before:history:restore", gone);
}

/** The workspace that was open is not there any more: what is open is nobody's but its reader's from here on. */
function unsave() {
  delete desk.dataset.saved;
  desk.querySelector("h1").textContent = say("desk");
  desk.querySelector(".desk__bar [aria-current]")?.remove();
  desk.querySelector("form:has(input[data-layout])")?.remove();
  desk.querySelector(".desk__bar > [data-here]")?.remove();
  write("replaceState");
}

/** Without a script a link leads through the address of the whole workspace; with one it leads where it says. */
function lead(link) {
  link.href = link.dataset.href;
  delete link.dataset.href;
}
