// Moving from page to page by swapping <main>: what stands around it has to follow.

const OURS = "main";

/** Whether the element that was just swapped is a whole page: <main> itself, a panel, or <body> after Back. */
export function isPage(target) {
  return target.id === OURS || target === document.body || Boolean(target.matches?.("[data-panel]"));
}

export function watchNavigation() {
  watchWays();
  document.addEventListener("htmx:after:settle", ({ target }) => {
    if (isPage(target)) markSection();
  });
  document.addEventListener("click", ({ target }) => {
    if (target.closest?.("[data-print]")) window.print();
  });
}

/** Whoever goes back does not want the page any more that they have asked for, nor whoever goes on the one they went back to. */
function watchWays() {
  const coming = new Set();
  document.addEventListener("htmx:config:request", ({ detail: { ctx: { request } } }) => {
    if (request.abort) return;
    const giving = new AbortController(); // what Back asks for: htmx itself gives it up for another Back alone
    request.signal.addEventListener("abort", () => giving.abort());
    Object.assign(request, { signal: giving.signal, abort: (why) => giving.abort(why) });
  });
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (ctx.request.method === "GET" && ctx.target && isPage(ctx.target)) coming.add(ctx);
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => coming.delete(ctx));
  document.addEventListener("htmx:before:history:restore", () => { for (const { request } of coming) request.abort(); });
}

function markSection() {
  const section = document.getElementById(OURS)?.dataset.section;
  for (const link of document.querySelectorAll("#nav [data-section], #switch [data-section]")) {
    if (link.dataset.section === section) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}
