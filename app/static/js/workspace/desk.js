// The workspace that is on the page, and the places in it, each of which holds a panel.

export let desk = null;
export let tools = null; // htmx, the ways to say something, and to wait for a hand: the page has loaded them already

export function take(place, given) {
  [desk, tools] = [place, given];
}

export function isOurs(element) {
  return desk.isConnected && desk.contains(element);
}

export const places = () => [...desk.querySelectorAll("[data-place]")];
export const room = () => desk.querySelector("[data-places]");
export const placeOf = (element) => element.closest?.("[data-place]") ?? null;
export const panelIn = (place) => place.querySelector("[data-panel]");
export const titleOf = (place) => panelIn(place).dataset.title;
export const base = () => desk.dataset.base;
export const say = (name, values = {}) => JSON.parse(desk.dataset.words)[name].replace(/\{(\w+)\}/g, (_all, key) => values[key]);
export const tell = (name, place) => say(name, { title: titleOf(place), place: places().indexOf(place) + 1, count: places().length });

/** A node that is moved keeps what it holds, where the browser can move it without taking it out. */
export function insert(place, next) {
  if (room().moveBefore && place.isConnected) room().moveBefore(place, next);
  else room().insertBefore(place, next);
}

export function swap(place, other, way) {
  const focused = document.activeElement;
  insert(place, way > 0 ? other.nextElementSibling : other);
  if (place.contains(focused) && document.activeElement !== focused) focused.focus({ preventScroll: true });
}
