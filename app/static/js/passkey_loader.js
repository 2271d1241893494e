// Few pages ask for passkeys: what does it is loaded by those alone.

export function watchPasskeys() {
  load();
  document.addEventListener("htmx:after:settle", load);
  // Before anything else hears of it: such a form is not to be sent as it is, however early somebody clicks.
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-passkey]");
    if (!form || !event.submitter) return; // nobody has pressed anything: it is the module, with the answer
    event.preventDefault();
    event.stopPropagation();
    (await moduleOf(form)).ask(form);
  }, true);
}

async function load() {
  const form = document.querySelector("form[data-passkey]");
  if (form) (await moduleOf(form)).offer(form);
}

function moduleOf(form) {
  return import(form.dataset.module);
}
