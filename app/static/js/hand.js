// A hand on the page. Between a press and its release nothing may be put elsewhere: the click would meet something that
// nobody has pressed, or nothing at all.
const LONGEST_MS = 5000; // a click takes no longer: of some releases, as on a scroll bar, nobody is told
const AFTER_MS = 80; // the click of a finger comes when the finger has gone
const CLICKING = [" ", "Enter"];

let timer = null;
const waiting = [];

export function watchHand() {
  const on = (name, act) => document.addEventListener(name, act, true);
  on("pointerdown", () => hold(LONGEST_MS));
  on("keydown", ({ key }) => { if (CLICKING.includes(key)) hold(LONGEST_MS); });
  for (const name of ["pointerup", "pointercancel", "keyup"]) on(name, () => { if (isPressing()) hold(AFTER_MS); });
}

export function isPressing() {
  return timer !== null;
}

/** Do something at once, or as soon as nothing is pressed any more. */
export function whenFree(act) {
  if (isPressing()) waiting.push(act);
  else act();
}

function hold(ms) {
  clearTimeout(timer);
  timer = setTimeout(() => { timer = null; for (const act of waiting.splice(0)) act(); }, ms);
}
