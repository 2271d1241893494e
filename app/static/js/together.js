// Writing a text together: the form is an ordinary one, which this makes live as long as there is a line.
import { Doc } from "yjs";
import { GONE, MAY_NOT, SIGNED_OUT, TextLine } from "./together_line.js";
import { bind, difference } from "./together_text.js";

const NAME = "text"; // as app/core/yjs_updates.py has it
const MOST_NAMES = 5;
const QUIET_MS = 400; // what is only so for a moment is not said

const sessions = new Set(); // one for each form: two panels may show two texts, or one twice

/** Join the texts of these forms, or stay in them where an answer has brought a form back. */
export function join(forms) {
  for (const form of forms) {
    const here = [...sessions].find((each) => each.form === form);
    const left = [...sessions].find((each) => each.address === form.dataset.together && each.isJoined && !each.form.isConnected);
    if (here) here.refresh();
    else if (left) left.moveTo(form);
    else sessions.add(new Session(form));
  }
}

document.addEventListener("htmx:after:settle", () => setTimeout(() => {
  for (const each of sessions) if (!each.form.isConnected) each.end(); // nobody has moved it to another form
}));
addEventListener("pagehide", () => { for (const each of sessions) each.line.flush(); });

class Session {
  constructor(form, yours = null) {
    this.address = form.dataset.together;
    this.isJoined = false;
    this.#yours = yours;
    this.#use(form);
    this.#say("joining");
    this.#begin();
  }

  #yours; #words; #field; #bound = null; #saved = null; #isEnded = false; #timer; #typed = null;

  end() {
    sessions.delete(this);
    this.#bound?.letGo();
    this.line.end();
  }

  /** The form came back, as after a conflict: the text goes on in its field. */
  moveTo(form) {
    this.#bound?.letGo();
    this.#use(form);
    this.#bind();
    this.#tell();
  }

  /** Something of the page was brought in anew, perhaps the words of the field. */
  refresh() {
    this.#bound?.refresh();
    if (this.isJoined) this.#tell();
  }

  #use(form) {
    this.form = form;
    this.#words = JSON.parse(form.dataset.said);
    this.#field = form.elements.description;
    form.addEventListener("submit", () => this.line.flush(), true);
  }

  #begin() {
    this.doc = new Doc();
    this.text = this.doc.getText(NAME);
    this.line = new TextLine(this.address, this.doc, (what, told) => this.#hear(what, told));
  }

  #hear(what, told) {
    if (what === "note") this.#takeNote(told);
    else if (what === "synced" && !this.isJoined) this.#join();
    else if (what === "closed") this.#close(told);
    if (this.isJoined) this.#tell();
  }

  #join() {
    this.isJoined = true;
    const before = this.#field.defaultValue;
    const typed = this.#yours ?? (this.#field.value === before ? null : this.#field.value);
    if (typed !== null && typed !== this.text.toString()) {
      if (this.text.toString() === before && this.#yours === null) this.#put(typed);
      else this.#offer(typed);
    }
    this.#yours = null;
    this.#bind();
  }

  #bind() {
    const { selectionStart, selectionEnd } = this.#field;
    this.#bound = bind(this.#field, this.text);
    if (document.activeElement === this.#field) this.#field.setSelectionRange(selectionStart, selectionEnd);
    this.form.dispatchEvent(new CustomEvent("together:joined", { bubbles: true })); // there is no draft any more
    delete this.#field.dataset.draft;
    delete this.form.dataset.liveGuard;
    this.form.querySelector(".live-note")?.remove();
  }

  #put(words) {
    const { start, end, words: added } = difference(this.text.toString(), words);
    this.doc.transact(() => { this.text.delete(start, end - start); this.text.insert(start, added); });
  }

  #takeNote(note) {
    this.#saved = note;
    if (note.text) this.form.elements.shared_text_id.value = note.text;
    if ("writes" in note) this.#field.readOnly = !note.writes;
    // Who merges starts from what was saved elsewhere; for all others that is still a conflict.
    if (!(note.elsewhere && this.form.querySelector(".conflict"))) this.form.elements.version.value = note.version;
  }

  #close(code) {
    if (code === GONE && this.isJoined) this.#renew();
    else if (code === SIGNED_OUT || code === MAY_NOT || code === GONE) this.#stop(code);
    else if (this.isJoined) this.#keepHere();
    else this.#say("alone");
  }

  /** The text has ended, since somebody has saved it elsewhere: go on in the one that has begun. */
  #renew() {
    const yours = this.line.hasUnsent ? this.#field.value : null;
    this.end();
    const next = new Session(this.form, yours);
    sessions.add(next);
    next.#say("renewed");
  }

  #stop(code) {
    this.#isEnded = true;
    this.#keepHere();
    if (code === MAY_NOT) this.#field.readOnly = true;
    if (code === GONE) this.form.elements.shared_text_id.value = "";
    this.#say({ [SIGNED_OUT]: "ended", [MAY_NOT]: "reading", [GONE]: "alone" }[code]);
  }

  /** Keep the words on this device too, as in every other form. */
  #keepHere() {
    this.#field.dataset.draft = "";
    this.#field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #tell() {
    if (this.#isEnded) return;
    this.#tellWhoIsHere();
    if (!this.line.isOpen) { this.#say("offline"); return; }
    delete this.#field.dataset.draft;
    const { version, by, mine, saved, elsewhere } = this.#saved ?? {};
    if (!this.line.isKept) { this.#say("keeping", {}, QUIET_MS); return; }
    const now = saved && this.text.toString() === this.#asSaved();
    if (elsewhere) this.#say("elsewhere");
    else if (!now) this.#say(version > 1 ? "since" : "together", { version });
    else if (mine) this.#say("saved_by_you", { version });
    else this.#say(by ? "saved_by" : "saved", { version, name: by });
  }

  /** The words as they were when they were all saved. */
  #asSaved() {
    if (this.#saved.words === undefined) this.#saved.words = this.text.toString();
    return this.#saved.words;
  }

  #tellWhoIsHere() {
    const others = [...this.line.people.getStates()].filter(([client]) => client !== this.doc.clientID);
    const people = new Map(others.map(([client, { user = {} }]) => [user.id ?? client, user.name ?? this.#words.somebody]));
    const names = [...people.values()];
    const more = names.splice(MOST_NAMES).length;
    if (more) names.push(fill(this.#words.others, { count: more }));
    const list = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" }).format(names);
    const told = names.length ? fill(this.#words.here, { names: list }) : this.#words.only_you;
    const place = this.form.querySelector("[data-people]");
    if (place.textContent !== told) place.textContent = this.line.isOpen ? told : "";
  }

  #say(name, values = {}, after = 0) {
    clearTimeout(this.#timer);
    const place = this.form.querySelector("[data-state-words]");
    const told = fill(this.#words[name], values);
    const tell = () => {
      place.dataset.tone = ["elsewhere", "offline", "alone", "ended", "reading"].includes(name) ? "attention" : "";
      if (place.textContent !== told) place.textContent = told;
    };
    if (after) this.#timer = setTimeout(tell, after);
    else tell();
  }

  /** Words of one's own that do not fit any more: shown, to be used or not. */
  #offer(words) {
    this.form.querySelector(".shared-text__yours")?.remove();
    const box = document.createElement("div");
    box.className = "shared-text__yours";
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", this.#words.yours);
    const told = document.createElement("p");
    told.textContent = this.#words.yours;
    const shown = document.createElement("pre");
    shown.textContent = words;
    shown.tabIndex = 0;
    const button = (label, act) => {
      const made = document.createElement("button");
      Object.assign(made, { type: "button", className: "button button--quiet", textContent: label });
      made.addEventListener("click", () => { act(); box.remove(); this.#field.focus(); });
      return made;
    };
    box.append(told, shown, button(this.#words.use, () => this.#put(words)), button(this.#words.discard, () => {}));
    this.#field.closest(".field").before(box);
  }
}

function fill(words, values) {
  return words.replace(/\{(\w+)\}/g, (_whole, name) => values[name] ?? "");
}
