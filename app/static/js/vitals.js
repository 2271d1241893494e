// How quick pages are for whoever uses them. A view begins when a page is loaded or swapped in, and ends when it is left
// or first hidden. Told are a few numbers of each view, and what kind of page it was: no address, and nothing of it.
const MOST = 20; // views of one message
const GAP_MS = 1000; // shifts that are closer belong together,
const LONGEST_MS = 5000; // for so long at most
const INTERACTIONS = 50; // of so many the worst is let go

export function measure(address, isPage) {
  const told = [];
  const watchers = [];
  let view = newView(true);
  const watch = (type, options, take) => {
    if (!PerformanceObserver.supportedEntryTypes.includes(type)) return;
    const observer = new PerformanceObserver((list) => list.getEntries().forEach(take));
    observer.observe({ type, buffered: true, ...options });
    watchers.push({ observer, take });
  };
  watch("largest-contentful-paint", {}, (entry) => { if (view.isFirst) view.lcp = since(entry.startTime); });
  watch("layout-shift", {}, (entry) => shift(view, entry));
  watch("event", { durationThreshold: 16 }, (entry) => interact(view, entry));
  const end = () => {
    for (const { observer, take } of watchers) observer.takeRecords().forEach(take);
    if (view.page) told.push(summary(view));
    view = null;
    if (told.length >= MOST) tell();
  };
  const tell = () => {
    if (told.length) navigator.sendBeacon(address, new Blob([JSON.stringify({ device: device(), views: told.splice(0) })], { type: "application/json" }));
  };
  const begin = () => { view = newView(false); };
  document.addEventListener("htmx:after:settle", ({ target }) => { if (isPage(target)) { if (view) end(); begin(); } });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return;
    if (view) end();
    view = { ...newView(false), page: "" }; // what follows on the same page was begun in the middle
    tell();
  });
  addEventListener("pageshow", ({ persisted }) => { if (persisted) begin(); });
}

function newView(isFirst) {
  const page = document.getElementById("main")?.dataset.page ?? "";
  const [loaded] = performance.getEntriesByType("navigation");
  // What was loaded behind another window was not waited for.
  const seen = isFirst && !performance.getEntriesByType("visibility-state").some((each) => each.name === "hidden");
  return {
    page, isFirst: seen, began: isFirst ? 0 : performance.now(),
    ttfb: seen && loaded?.responseStart ? since(loaded.responseStart) : null,
    lcp: null, cls: 0, together: null, waits: new Map(), interactions: performance.interactionCount ?? 0,
  };
}

/** A page that was drawn ahead begins when it is shown. */
function since(moment) {
  return Math.max(0, moment - (performance.getEntriesByType("navigation")[0]?.activationStart ?? 0));
}

function shift(view, { startTime, value, hadRecentInput }) {
  if (!view || hadRecentInput || startTime < view.began) return;
  const { together } = view;
  if (together && startTime - together.last < GAP_MS && startTime - together.first < LONGEST_MS) {
    together.sum += value;
    together.last = startTime;
  } else view.together = { sum: value, first: startTime, last: startTime };
  view.cls = Math.max(view.cls, view.together.sum);
}

function interact(view, { startTime, duration, interactionId }) {
  if (!view || !interactionId || startTime < view.began) return;
  view.waits.set(interactionId, Math.max(duration, view.waits.get(interactionId) ?? 0));
}

function summary(view) {
  const waits = [...view.waits.values()].sort((one, other) => other - one);
  const count = Math.max(waits.length, (performance.interactionCount ?? 0) - view.interactions);
  const inp = waits[Math.min(waits.length - 1, Math.floor(count / INTERACTIONS))];
  const measured = { lcp: view.lcp, inp, ttfb: view.ttfb, cls: view.cls * 10_000 };
  const given = Object.entries(measured).filter(([, value]) => value !== null && value !== undefined);
  return { page: view.page, ...Object.fromEntries(given.map(([name, value]) => [name, Math.round(value)])) };
}

function device() {
  return matchMedia("(pointer: coarse)").matches ? "touch" : "mouse";
}
