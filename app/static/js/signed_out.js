// A session that has ended elsewhere, or by itself: what it showed is not left for whoever comes by. Signing in leads back
// to the page, and drafts are there again (drafts.js); where something is typed that is no draft, the page waits for it.
const SOON_MS = 2000; // an answer may be on its way that leads elsewhere: that of signing out, or of leaving an organisation
const WRONG = "main :is([id$=error-summary], [aria-invalid])"; // a form that came back holds what was typed as its own

let hasEnded = false;

/** Leave this page for the one that asks who is there, now or once what is typed was sent. */
export function leaveSoon() {
  if (hasEnded) return;
  hasEnded = true;
  document.addEventListener("htmx:finally:request", later);
  later();
}

function later() {
  setTimeout(() => { if (!isInUse()) location.replace(location.pathname + location.search); }, SOON_MS);
}

function isInUse() {
  const fields = document.querySelectorAll("main form:not([method=get]) :is(input, textarea, select):not([data-draft])");
  return Boolean(document.querySelector(`${WRONG}, .htmx-request`)) || [...fields].some(isChanged);
}

function isChanged(field) {
  if (field.type === "hidden") return false;
  if (field.options) return field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected));
  return field.value !== field.defaultValue || field.checked !== field.defaultChecked;
}
