// The line of one text: the protocol of y-websocket, with notes of our own (app/web/text_messages.py).
import { applyUpdate, encodeStateAsUpdate, encodeStateVector, mergeUpdates } from "yjs";
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from "y-protocols/awareness";
import { createDecoder, readVarString, readVarUint, readVarUint8Array } from "lib0/decoding";
import { createEncoder, toUint8Array, writeVarUint, writeVarUint8Array } from "lib0/encoding";
import { pause } from "./pause.js";

const SYNC = 0;
const PRESENCE = 1;
const NOTE = 100;
const STATE = 0;
const MISSING = 1;
const CHANGE = 2;
const TOGETHER_MS = 50; // words that are sent together

export const SIGNED_OUT = 4401;
export const MAY_NOT = 4403;
export const GONE = 4404;

/** `hear` is told what happens: "synced", "changed" (what is kept or who is here), "note", and "closed" with a code. */
export class TextLine {
  constructor(address, doc, hear) {
    Object.assign(this, { doc, people: new Awareness(doc), kept: 0, sent: 0, isOpen: false, isSynced: false, hasUnsent: false });
    this.#address = address;
    this.#hear = hear;
    doc.on("update", this.#note);
    this.people.setLocalState({});
    this.people.on("update", this.#tellPresence);
    this.people.on("change", () => hear("changed"));
    addEventListener("online", this.#connect);
    this.#connect();
  }

  #address; #hear; #socket = null; #text = null; #writes = false; #tries = 0; #waiting = []; #timer; #again; #isOver = false;

  /** Whether all that was written here has reached the server. */
  get isKept() {
    return this.isOpen && !this.#waiting.length && this.kept >= this.sent;
  }

  end() {
    this.#isOver = true;
    clearTimeout(this.#again);
    this.flush();
    removeEventListener("online", this.#connect);
    this.doc.off("update", this.#note);
    this.people.destroy();
    this.#socket?.close();
  }

  /** Send what waits to be sent. */
  flush = () => {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.isSynced || !this.#waiting.length) return;
    this.#change(CHANGE, mergeUpdates(this.#waiting.splice(0)));
  };

  #connect = () => {
    if (this.#socket || this.#isOver) return;
    clearTimeout(this.#again);
    const address = new URL(this.#address);
    if (this.#text) address.searchParams.set("text", this.#text);
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#take(createDecoder(new Uint8Array(data))));
    socket.addEventListener("close", (ending) => this.#close(ending));
  };

  #close(ending) {
    const { code } = ending;
    this.#socket = null;
    this.hasUnsent = this.#waiting.length > 0 || this.kept < this.sent;
    this.isOpen = this.isSynced = false;
    this.#waiting = []; // all of it is told again when the line is back
    if (this.#isOver) return;
    this.#hear("closed", code);
    if (this.#isOver || [SIGNED_OUT, MAY_NOT, GONE].includes(code)) return;
    this.#again = setTimeout(this.#connect, pause(this.#tries += 1, ending));
  }

  #take(decoder) {
    const kind = readVarUint(decoder);
    if (kind === NOTE) this.#takeNote(JSON.parse(readVarString(decoder)));
    else if (kind === PRESENCE) applyAwarenessUpdate(this.people, readVarUint8Array(decoder), this);
    else if (kind === SYNC) this.#takeSync(readVarUint(decoder), readVarUint8Array(decoder));
  }

  #takeNote(note) {
    if (note.text) this.#open(note);
    if (note.kept) this.kept = note.kept;
    else this.#hear("note", note);
    this.#hear("changed");
  }

  #open({ text, writes }) {
    Object.assign(this, { isOpen: true, kept: 0, sent: 0 });
    this.#text = text;
    this.#writes = writes;
    this.#tries = 0;
    this.#say(SYNC, STATE, encodeStateVector(this.doc));
    this.#tellPresence({ added: [this.doc.clientID], updated: [], removed: [] });
  }

  #takeSync(part, content) {
    if (part === STATE) {
      const missing = encodeStateAsUpdate(this.doc, content);
      if (this.#writes && missing.length > 2) this.#change(MISSING, missing);
      return;
    }
    applyUpdate(this.doc, content, this);
    if (part !== MISSING) return;
    this.isSynced = true;
    this.flush(); // what was written since this was asked for
    this.#hear("synced");
  }

  #note = (update, origin) => {
    if (origin !== this) {
      if (this.isOpen) this.#waiting.push(update);
      this.#timer ??= setTimeout(this.flush, TOGETHER_MS);
    }
    this.#hear("changed");
  };

  #change(part, update) {
    this.sent += 1;
    this.#say(SYNC, part, update);
  }

  #tellPresence = ({ added, updated, removed }) => {
    if (![...added, ...updated, ...removed].includes(this.doc.clientID)) return;
    this.#say(PRESENCE, encodeAwarenessUpdate(this.people, [this.doc.clientID]));
  };

  #say(kind, ...parts) {
    if (this.#socket?.readyState !== WebSocket.OPEN || !this.isOpen) return;
    const encoder = createEncoder();
    writeVarUint(encoder, kind);
    for (const part of parts) typeof part === "number" ? writeVarUint(encoder, part) : writeVarUint8Array(encoder, part);
    this.#socket.send(toUint8Array(encoder));
  }
}

