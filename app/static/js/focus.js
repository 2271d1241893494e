// Where the keyboard stands after a swap. A reader of a page should land where a full load would put them: at what is
// wrong, else at the heading; and whoever presses a button in a panel should not lose their place to <body>.
import { isPage } from "./navigation.js";
import { panelOf } from "./panels.js";

const WRONG = "[id$=error-summary], [aria-invalid]"; // a form with one field has no summary

export function watchFocus() {
  let trail = []; // the ids around the focus before the swap, from the innermost out

  let stood = false; // whether the keyboard stood anywhere at all

  const asked = new WeakMap(); // where it stood when the page of a panel was asked for

  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    const panel = panelOf(ctx.sourceElement);
    if (panel && ctx.select === `#${panel.id}`) asked.set(panel, document.activeElement);
  });
  document.addEventListener("htmx:before:swap", () => {
    trail = idsAround(document.activeElement);
    stood = !isLost();
  });
  document.addEventListener("htmx:after:settle", ({ target }) => {
    const from = asked.get(target);
    if (from && isElsewhere(from)) return;
    // htmx gives back the focus of what has an id, but only after this event.
    const summary = target.querySelector?.(WRONG);
    if (summary) focus(summary);
    else if (from) landOnceDrawn(target, trail, from);
    else if (isPage(target)) landOn(target, trail);
    else if (stood && isLost()) focus(nearest(trail, target));
  });

  const opened = document.querySelector(WRONG); // the page itself came with errors
  if (opened) focus(opened);
  document.addEventListener("keydown", sendByKey);
}

/** Ctrl+Enter sends the form that one writes in. */
function sendByKey(event) {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.target.tagName !== "TEXTAREA") return;
  event.preventDefault();
  event.target.form?.requestSubmit();
}

/**
 * To give something the focus, a browser lays out all there is; it will for the frame as well. So a panel is shown first: where
 * the keyboard stands meanwhile it still does.
 */
function landOnceDrawn(panel, trail, from) {
  requestAnimationFrame(() => setTimeout(() => { if (panel.isConnected && !isElsewhere(from)) landOn(panel, trail); }));
}

function landOn(page, trail) {
  const kept = trail.length && page.id ? page.querySelector(`#${CSS.escape(trail[0])}`) : null; // the filter just used
  focus(kept?.matches("input, select, textarea, button") ? kept : page.querySelector("h1"));
}

function nearest(trail, target) {
  const known = trail.map((id) => document.getElementById(id)).find(Boolean) ?? target;
  if (known.matches("summary, button, input, select, textarea, a[href]")) return known;
  return known.querySelector("summary, button, textarea, input:not([type=hidden]), select, a[href]") ?? known;
}

function focus(element) {
  if (!element) return;
  if (element.tabIndex < 0 && !element.hasAttribute("tabindex")) element.tabIndex = -1;
  element.focus({ preventScroll: element.tagName === "H1" });
}

/** Whether somebody has gone on since: to another place, or into a menu. A page that comes late does not call them back. */
function isElsewhere(before) {
  return Boolean(document.querySelector("details.menu[open]")) || (!isLost() && document.activeElement !== before);
}

function isLost() {
  return !document.activeElement || document.activeElement === document.body;
}

function idsAround(element) {
  const ids = [];
  for (let e = element; e && e !== document.body; e = e.parentElement) if (e.id) ids.push(e.id);
  return ids;
}
