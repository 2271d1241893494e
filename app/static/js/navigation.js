// Moving from page to page by swapping <main>: what stands around it has to follow.

const OURS = "main";

/** Whether the element that was just swapped is a whole page: <main> itself, a panel, or <body> after Back. */
export function isPage(target) {
  return target.id === OURS || target === document.body || Boolean(target.matches?.("[data-panel]"));
}

export function watchNavigation() {
  document.addEventListener("htmx:after:settle", ({ target }) => {
    if (isPage(target)) markSection();
  });
  document.addEventListener("click", ({ target }) => {
    if (target.closest?.("[data-print]")) window.print();
  });
}

function markSection() {
  const section = document.getElementById(OURS)?.dataset.section;
  for (const link of document.querySelectorAll("#nav [data-section], #switch [data-section]")) {
    if (link.dataset.section === section) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}
