// Pages beside each other: here is what every page has to know of them. The rest is a module of its own, which a page with
// a workspace imports (static/js/workspace.js).
import htmx from "htmx.org";
import { whenFree } from "./hand.js";
import { announce, toast } from "./messages.js";

/** The panel that something stands in, or null on an ordinary page. */
export function panelOf(element) {
  return element?.closest?.("[data-panel]") ?? null;
}

export function watchPanels() {
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    const panel = panelOf(ctx.sourceElement);
    if (!panel) return;
    ctx.request.headers["X-Panel"] = panel.dataset.panel;
    ctx.request.referrer = new URL(panel.dataset.path, location).href; // the page that one comes from is that of the panel
    const { href } = ctx.sourceElement.dataset; // a link as it is without a script leads through the whole workspace
    if (href) [ctx.request.action] = href.split("#");
  });
  // A page that cannot be a panel, as that of one's account, is shown by itself.
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    const panel = panelOf(ctx.sourceElement);
    if (!panel || ctx.select !== `#${panel.id}` || ctx.response.status >= 400 || ctx.hx?.redirect) return;
    if (ctx.text.includes(`id="${panel.id}"`)) return;
    ctx.swap = "none";
    location.assign(ctx.response.raw.url);
  });
  load();
  document.addEventListener("htmx:after:settle", load);
}

async function load() {
  const desk = document.getElementById("workspace");
  if (desk) (await import(desk.dataset.module)).start(desk, { htmx, announce, toast, whenFree });
}
