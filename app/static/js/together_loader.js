// Few pages are written together: what does it, with Yjs in it, is loaded by those alone.

export function watchTogether() {
  load();
  document.addEventListener("htmx:after:settle", load);
}

async function load() {
  const form = document.querySelector("form[data-together]");
  if (form) (await import(form.dataset.module)).join(form);
}
