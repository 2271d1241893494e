// The line to the live process: one socket for all tabs of a browser that show the same organisation.
//
// The tab that holds the lock holds the socket, and passes on what it hears; when it closes, the next one takes over.
// Each tab says which channels it wants and what it heard last, so that nothing is missed in between.
import { pause } from "./pause.js";

const BEAT_MS = 15_000;
const SILENT_MS = 40_000; // after which a line is taken for dead
const SIGNED_OUT = 4401;

/** The name of this tab, for as long as its page stays. */
export const tab = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * Open the line at `address`. `hear` is given each message, `show` the state, "on", "off" or "ended", and whether all
 * that this tab wants is followed. `since` is the place in the stream from which this page has to be told. Returns a
 * function that takes the channels that it wants, and where its reader is, as "presence <channel>" and "edits <channel>",
 * and one that says something else at once.
 */
export function openLine(address, since, hear, show) {
  let wanted = [];
  let places = [];
  let heard = since;
  let leading = null; // our own socket, once this tab holds the lock
  const tabs = new BroadcastChannel(`live:${address}`);
  const heardOn = {}; // each channel has an order of its own: what takes longer to be told comes after what happened later
  const listen = (message) => {
    const before = heardOn[message.channel] ?? since;
    if (message.id && !message.html && !message.gone && isBefore(message.id, before)) return; // told again for another tab
    heardOn[message.channel] = later(before, message.id);
    heard = later(heard, message.id);
    hear(message);
  };
  const tell = ({ state, followed }) => show(state, wanted.every((channel) => followed.includes(channel)));
  const want = (message) => (leading ? leading.want(message) : tabs.postMessage(message));
  const ask = () => want({ tab, wanted, places, heard });

  tabs.addEventListener("message", ({ data }) => {
    if (data.told) listen(data.told);
    else if (data.state) tell(data);
    else if (data.whoIsThere) ask();
    else if (data.say) leading?.say(data.say);
    else if (data.tab) leading?.want(data);
  });
  const lead = () => new Promise(() => {
    leading = new Line(address, (told) => { tabs.postMessage({ told }); listen(told); }, (now) => { tabs.postMessage(now); tell(now); });
    tabs.postMessage({ whoIsThere: true });
    ask();
  }); // never settled: the lock is ours until the page goes
  if (navigator.locks) navigator.locks.request(`live:${address}`, lead);
  else lead();
  addEventListener("pagehide", () => want({ tab, wanted: [], places: [], heard }));
  addEventListener("pageshow", ({ persisted }) => { if (persisted) { ask(); hear({ event: "resync" }); } });

  return {
    want(channels, here) { wanted = channels; places = here; ask(); },
    say: (message) => (leading ? leading.say(message) : tabs.postMessage({ say: message })),
  };
}

class Line {
  #address; #hear; #show; #socket = null; #state = "off"; #tries = 0; #alive = 0;
  #tabs = new Map(); // what each tab wants, where its reader is, and what it heard last
  #asked = new Set();
  #here = new Set(); // where we said that we are
  #followed = new Set();

  constructor(address, hear, show) {
    this.#address = address;
    this.#hear = hear;
    this.#show = show;
    addEventListener("online", () => this.#connect());
    setInterval(() => this.#beat(), BEAT_MS);
    this.#connect();
  }

  want({ tab: who, wanted: channels, places, heard }) {
    // What others have asked for already is asked for again: this tab may have missed what was told before it came.
    const known = this.#tabs.get(who) ?? { channels: [], places: [] };
    for (const channel of channels) if (!known.channels.includes(channel)) this.#asked.delete(channel);
    for (const place of places) if (!known.places.includes(place)) this.#here.delete(place);
    if (channels.length) this.#tabs.set(who, { channels, places, heard });
    else this.#tabs.delete(who);
    this.#settle();
    this.#tell();
  }

  say(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #connect() {
    if (this.#socket) return;
    const socket = new WebSocket(this.#address);
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#take(JSON.parse(data)));
    socket.addEventListener("close", (ending) => {
      this.#socket = null;
      this.#asked.clear();
      this.#here.clear();
      this.#followed.clear();
      this.#state = ending.code === SIGNED_OUT ? "ended" : "off";
      this.#tell();
      if (this.#state === "off") setTimeout(() => this.#connect(), pause(this.#tries += 1, ending));
    });
  }

  #take(message) {
    this.#alive = Date.now();
    if (message.event === "hello") {
      this.#tries = 0;
      this.#state = "on";
      this.#settle();
      this.#tell();
    } else if (message.event === "subscribed") {
      this.#followed.add(message.channel);
      this.#tell();
    } else if (message.event !== "heartbeat") {
      for (const each of this.#tabs.values()) each.heard = later(each.heard, message.id);
      this.#hear(message);
    }
  }

  /** Ask for what is wanted and not followed yet, from where the tab that is furthest behind has heard. */
  #settle() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    const wanted = new Map();
    for (const { channels, heard } of this.#tabs.values()) {
      for (const channel of channels) wanted.set(channel, wanted.has(channel) ? earlier(wanted.get(channel), heard) : heard);
    }
    const here = new Set([...this.#tabs.values()].flatMap(({ places }) => places));
    for (const place of this.#here) if (!here.has(place)) this.#stand(place, false); // before it is followed no more
    for (const channel of this.#asked) {
      if (!wanted.has(channel)) { this.say({ event: "unsubscribe", channel }); this.#followed.delete(channel); }
    }
    for (const [channel, last] of wanted) if (!this.#asked.has(channel)) this.say({ event: "subscribe", channel, last });
    for (const place of here) if (!this.#here.has(place)) this.#stand(place, true); // once it is followed
    this.#asked = new Set(wanted.keys());
    this.#here = here;
  }

  #stand(place, here) {
    const [event, channel] = place.split(" ");
    this.say({ event, channel, here });
  }

  #tell() {
    this.#show({ state: this.#state, followed: [...this.#followed] });
  }

  #beat() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    if (this.#alive && Date.now() - this.#alive > SILENT_MS) this.#socket.close();
    else this.say({ event: "heartbeat" });
  }
}

function later(one, other) {
  return other && isBefore(one, other) ? other : one;
}

function earlier(one, other) {
  return isBefore(one, other) ? one : other;
}

/** Places in the stream are "<milliseconds>-<number>". */
function isBefore(one, other) {
  const [[a, b], [c, d]] = [one, other].map((place) => place.split("-").map(Number));
  return a < c || (a === c && b < d);
}
