// Where others point, over what they point at: <div data-cursors="board.<id>">, and in a workspace that several people look
// at each panel of a thing. Nobody needs it, so nothing says it aloud, and it is not there for who wants no motion. A module
// of its own: only pages on which somebody else is load it.
const APART_MS = 50; // twenty times a second at most
const FADE_MS = 4000;
const still = matchMedia("(prefers-reduced-motion: reduce)");

const shown = new Map(); // by "<channel> <person>": the element, where it stands, and the timer that takes it away

/** Show where somebody points. `person` is who it is, where that is known. */
export function show({ channel, user, x, y }, person) {
  if (!boxOf(channel) || !person || still.matches) return;
  const key = `${channel} ${user}`;
  const before = shown.get(key);
  clearTimeout(before?.timer);
  const cursor = before?.cursor.isConnected ? before.cursor : draw(person); // Back takes away all that is drawn over a page
  place(cursor, channel, x, y);
  cursor.dataset.fades = "";
  requestAnimationFrame(() => { delete cursor.dataset.fades; });
  shown.set(key, { cursor, at: [channel, x, y], timer: setTimeout(() => { cursor.remove(); shown.delete(key); }, FADE_MS) });
}

function boxOf(channel) {
  const name = CSS.escape(channel);
  return document.querySelector(`[data-cursors="${name}"]`) ?? document.querySelector(`[data-saved] [data-here="${name}"]`)?.closest("[data-panel-body]");
}

/** The box around an element and its channel: a part of a page, or a panel of a workspace in which somebody else is. */
function boxAt(element, mayPoint) {
  const box = element.closest?.("[data-cursors]");
  if (box) return [box, box.dataset.cursors];
  const panel = element.closest?.("[data-saved] [data-panel-body]");
  const here = panel && !panel.querySelector("[data-cursors]") && panel.querySelector("[data-here]");
  return here && mayPoint(`workspace.${panel.closest("[data-saved]").dataset.saved}`) ? [panel, here.dataset.here] : [];
}

function place(cursor, channel, x, y) {
  const box = boxOf(channel);
  cursor.hidden = !box;
  if (!box) return;
  const around = measure(box);
  const left = around.left + (around.reversed ? 1 - x : x) * around.width;
  const top = around.top + y * around.height;
  cursor.hidden = around.seen.some((each) => left < each.left || left > each.right || top < each.top || top > each.bottom);
  cursor.style.translate = `${left}px ${top}px`;
}

/** Where all of a box is, also what is scrolled out of sight, and through which windows it is seen. */
function measure(box) {
  const whole = box.querySelector("[data-cursors-over]") ?? box;
  const reversed = getComputedStyle(whole).direction === "rtl"; // a point is told from the side on which reading begins
  const { scrollWidth: width, scrollHeight: height, scrollLeft, scrollTop } = whole;
  const seen = [whole, box.closest("[data-panel-body]")].filter(Boolean).map((each) => each.getBoundingClientRect());
  return { left: reversed ? seen[0].right - width - scrollLeft : seen[0].left - scrollLeft, top: seen[0].top - scrollTop, width, height, reversed, seen };
}

addEventListener("scroll", () => { for (const { cursor, at } of shown.values()) place(cursor, ...at); }, { capture: true, passive: true });

let last = 0;
let waiting = null;

/** Say where the pointer is over a box of which `mayPoint` says that somebody else is there who may see it. */
export function watchPointing(mayPoint, say) {
  document.addEventListener("pointermove", (event) => {
    if (still.matches || event.pointerType === "touch") return;
    const [box, channel] = boxAt(event.target, mayPoint);
    if (!box || !mayPoint(channel)) return;
    const around = measure(box);
    const along = part(event.clientX - around.left, around.width);
    waiting = { event: "cursor", channel, x: around.reversed ? 1 - along : along, y: part(event.clientY - around.top, around.height) };
    const wait = last + APART_MS - Date.now();
    if (wait > 0) setTimeout(flush, wait);
    else flush();
  });

  function flush() {
    if (!waiting || Date.now() - last < APART_MS) return;
    last = Date.now();
    say(waiting);
    waiting = null;
  }
}

function draw({ name, hue }) {
  const cursor = document.createElement("span");
  cursor.className = `cursor avatar--hue-${hue}`;
  cursor.ariaHidden = "true";
  const label = document.createElement("span");
  label.className = "cursor__name";
  label.textContent = name;
  cursor.append(label);
  layer().append(cursor);
  return cursor;
}

/** Over the window, so that nothing that is shown here makes the page any longer or wider. */
function layer() {
  const there = document.querySelector("body > .cursors");
  if (there) return there;
  const made = document.createElement("div");
  made.className = "cursors";
  made.ariaHidden = "true";
  document.body.append(made);
  return made;
}

function part(at, whole) {
  return Math.round(Math.min(1, Math.max(0, at / whole)) * 10_000) / 10_000;
}
