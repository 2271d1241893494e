// What to do with answers that are not simply the next piece of page.
//
// htmx 4 swaps every status but 204 and 304. That is right for a form with its errors (422) or with a newer version
// (409), and for the page that says "not found". It is wrong where it would replace what the person has typed, or a
// panel they work in, by an error: then the words of the error become a message, and the page stays as it is.
import { writtenSince } from "./drafts.js";
import { isLive, isUnasked } from "./live.js";
import { say, toast } from "./messages.js";

const awaited = new WeakMap(); // what was asked for last, by what it is to change

export function watchAnswers() {
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (!ctx.target || isUnasked(ctx)) return;
    ctx.target.ariaBusy = "true"; // the line above the page says it to whoever sees it
    awaited.set(ctx.target, ctx);
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    if (awaited.get(ctx.target) === ctx) ctx.target.ariaBusy = null; // one that was given up says nothing of the next
  });
  document.addEventListener("htmx:after:settle", ({ target }) => { target.ariaBusy = null; });
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    const sentElsewhere = ctx.hx?.redirect || ctx.hx?.location || ctx.hx?.refresh; // as to the sign-in page
    if (ctx.response.status >= 400 && !sentElsewhere) decide(ctx);
  });
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    // A form whose answer was accepted starts afresh: morphing keeps what was typed where the server's text is as before.
    const form = ctx.sourceElement;
    const isAccepted = ctx.response?.status < 400 && ctx.request.method !== "GET" && form.isConnected && form.matches("form");
    if (isAccepted && !writtenSince(form, ctx).length) form.reset();
  });
  document.addEventListener("htmx:error", ({ detail: { ctx, error } }) => {
    // Once the answer is there, an error is ours, not the network's.
    if (ctx?.request && !ctx.response && error?.name !== "AbortError" && !isUnasked(ctx)) toast(say("unsent"), "danger");
  });
}

function decide(ctx) {
  if (isLive(ctx) && [403, 404].includes(ctx.response.status)) {
    ctx.swap = "innerMorph"; // what may not be seen any more goes, and it is said in its place
    return;
  }
  const answer = new DOMParser().parseFromString(ctx.text, "text/html");
  const wholePage = Boolean(ctx.select); // a boosted link or form, which takes <main> or its panel out of the answer
  const fits = !wholePage || answer.querySelector(ctx.select);
  const refusal = answer.querySelector("[data-error]");
  const reading = ctx.request.method === "GET";

  if (fits && wholePage && reading) return; // an error page is a page
  ctx.push = "false"; // the address of a form's action is nothing to come back to
  if (fits && !refusal && ctx.response.status < 500) return; // the form again, with what is wrong with it
  ctx.swap = "none";
  if (!isUnasked(ctx)) toast(refusal ? words(refusal) : say("unreadable"), "danger");
}

function words(refusal) {
  const part = (name) => refusal.querySelector(`[data-error-${name}]`)?.textContent.trim();
  const reference = part("reference");
  return [`${part("title")}.`, part("message"), reference && `(${reference})`].filter(Boolean).join(" ");
}
