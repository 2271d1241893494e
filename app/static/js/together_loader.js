// Few pages are written together: what does it, with Yjs in it, is loaded by those alone.

export function watchTogether() {
  load();
  document.addEventListener("htmx:after:settle", load);
}

async function load() {
  const forms = [...document.querySelectorAll("form[data-together]")];
  if (forms.length) (await import(forms[0].dataset.module)).join(forms);
}
