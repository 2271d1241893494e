// A pointer moves panels by their grips, and sizes them by their edges.
import { sizeTo, write } from "./address.js";
import { desk, insert, isOurs, placeOf, places, room, swap, tell, tools } from "./desk.js";
import { widths } from "./widths.js";

const FAR_ENOUGH = 6; // pixels, before a press is a drag

let drag = null; // a panel, or its edge, under a pointer that is down

/** What went away meanwhile, with its page or alone, is dragged no longer. */
export const isDragging = () => Boolean(drag?.place.isConnected);

export function pressed(event) {
  if (!event.isPrimary || event.button !== 0 || isDragging() || !desk.isConnected) return;
  const handle = event.target.closest?.("[data-splitter], [data-grip]");
  if (!handle || !isOurs(handle)) return;
  const place = placeOf(handle);
  const sizes = handle.matches("[data-splitter]");
  drag = { place, sizes, x: event.clientX, begun: sizes, home: place.nextElementSibling, id: event.pointerId };
  if (sizes) {
    event.preventDefault();
    handle.focus();
    const now = widths();
    const at = places().indexOf(place);
    drag.width = now[at];
    drag.perPixel = (now[at] + now[at + 1]) / (place.offsetWidth + place.nextElementSibling.offsetWidth);
  }
  room().setPointerCapture(event.pointerId);
  room().addEventListener("pointermove", moved);
  room().addEventListener("pointerup", released);
  room().addEventListener("pointercancel", cancelled);
}

function moved({ clientX, clientY, pointerId }) {
  if (pointerId !== drag?.id || !isDragging()) return;
  const rtl = getComputedStyle(desk).direction === "rtl" ? -1 : 1;
  if (drag.sizes) {
    sizeTo(drag.place, drag.width + rtl * (clientX - drag.x) * drag.perPixel);
    return;
  }
  if (!drag.begun && Math.abs(clientX - drag.x) < FAR_ENOUGH) return;
  drag.begun = true;
  drag.place.dataset.dragged = "";
  const other = document.elementsFromPoint(clientX, clientY).map(placeOf).find((place) => place && place !== drag.place);
  if (!other || !isOurs(other)) return;
  const box = other.getBoundingClientRect();
  const shown = places();
  const way = shown.indexOf(other) > shown.indexOf(drag.place) ? 1 : -1;
  const beyond = rtl * way > 0 ? clientX > box.left + box.width / 2 : clientX < box.left + box.width / 2;
  if (beyond) swap(drag.place, other, way);
}

const released = () => drop(true);
const cancelled = () => drop(false);

export function drop(stays) {
  const { place, home, begun, sizes } = drag;
  drag = null;
  room().removeEventListener("pointermove", moved);
  room().removeEventListener("pointerup", released);
  room().removeEventListener("pointercancel", cancelled);
  if (sizes || !begun || !place.isConnected) return;
  delete place.dataset.dragged;
  if (place.nextElementSibling === home) return;
  if (!stays) { insert(place, home); return; }
  write("pushState");
  tools.announce(tell("moved", place));
}
