// A menu is a <details class="menu">. Here it closes as menus do: by Escape, by a click elsewhere, and when its choice
// was made (morphing keeps `open`, so the answer alone would not close it). One that was opened while the answer was on
// its way stays.
import { isUnasked } from "./live.js";

export function watchMenus() {
  document.addEventListener("click", ({ target }) => close((menu) => !menu.contains(target)));
  document.addEventListener("focusin", ({ target }) => close((menu) => !menu.contains(target)));
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => { ctx.menus = [...opened()]; });
  document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => isUnasked(ctx) || close((menu) => {
    if (ctx.menus && !ctx.menus.includes(menu)) return false;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    return true;
  }));
  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") close((menu) => { menu.querySelector("summary").focus(); return true; });
  });
}

function close(which) {
  for (const menu of opened()) if (which(menu)) menu.open = false;
}

function opened() {
  return document.querySelectorAll("details.menu[open]");
}
