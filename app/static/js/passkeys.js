// A file of its own, for the pages that ask for passkeys. A form with data-passkey fetches a question, has the browser
// answer it, and is sent like any other form. What may be asked, and what an answer is worth, only the server decides.

const RENEW_MS = 240_000; // before the five minutes are over in which the server takes an answer

const WORDS = { NotAllowedError: "refused", AbortError: "refused", InvalidStateError: "known", SecurityError: "place" };

class Outdated extends Error {} // the time to answer on this page is over

const offered = new WeakSet();
let isAsking = false; // somebody was asked for a passkey: another question would take the place of theirs
let waiting = null; // the question that waits in the sign-in page's field for somebody to choose a passkey there

/** Have the browser answer what `form` asks, and send the answer; or say why there is none. */
export async function ask(form) {
  const button = form.querySelector("[type=submit]");
  if (button.ariaBusy === "true" || !form.reportValidity()) return;
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) return tell(form, "incapable");
  withdraw();
  tell(form, null);
  isAsking = true;
  button.ariaBusy = "true";
  try {
    await answer(form, {});
  } catch (refused) {
    if (refused instanceof Outdated) return location.reload();
    tell(form, WORDS[refused.name] ?? "failed");
    if (isOffered(form)) offerOnce(form);
  } finally {
    isAsking = false;
    button.ariaBusy = null;
  }
}

/** Have the browser offer passkeys where it fills in names and passwords, while somebody looks at the page. */
export function offer(form) {
  if (!isOffered(form) || offered.has(form)) return;
  offered.add(form);
  const renew = () => {
    const isOver = !waiting || Date.now() - waiting.since > RENEW_MS;
    if (form.isConnected && document.visibilityState === "visible" && isOver) offerOnce(form);
  };
  document.addEventListener("visibilitychange", renew);
  setInterval(renew, RENEW_MS / 4);
  // An answer that comes late must not bring a cookie that signs out again who has just signed in by the other form.
  document.addEventListener("submit", ({ target }) => { if (target !== form) withdraw(); }, true);
  renew();
}

/** Fetch the question, answer it by a passkey, and send the answer as the form. */
async function answer(form, { signal, mediation }) {
  const response = await fetch(form.dataset.question, { method: "POST", headers: { Accept: "application/json" }, signal });
  if (response.redirected || response.status === 403) throw new Outdated();
  if (!response.ok) throw new Error(`The question was refused with ${response.status}.`);
  const question = await response.json();
  const credential = form.dataset.passkey === "create"
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(question), signal })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(question), signal, mediation });
  form.elements[form.dataset.answer].value = JSON.stringify(credential.toJSON());
  if (form.getAttribute("hx-boost") === "false") form.submit();
  else form.requestSubmit(); // by htmx, into the panel that it stands in
}

async function offerOnce(form) {
  if (!(await window.PublicKeyCredential?.isConditionalMediationAvailable?.()) || isAsking) return;
  withdraw();
  const controller = new AbortController();
  waiting = { since: Date.now(), controller };
  try {
    await answer(form, { signal: controller.signal, mediation: "conditional" });
  } catch {
    // Nobody has asked for anything: there is nothing to say.
  }
}

function withdraw() {
  waiting?.controller.abort();
  waiting = null;
}

function isOffered(form) {
  return "offered" in form.dataset;
}

function tell(form, word) {
  const place = form.querySelector(".passkey__says");
  place.replaceChildren();
  if (!word) return;
  const said = document.createElement("p");
  said.className = "wrong";
  said.textContent = JSON.parse(form.dataset.words)[word];
  place.append(said);
}
