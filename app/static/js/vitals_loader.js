// How quick a page was is measured by a module of its own, once the page has come to rest: to measure costs nobody time.
import { isPage } from "./navigation.js";

export function watchVitals() {
  const { vitals, vitalsScript } = document.body.dataset;
  if (!vitals) return;
  const idle = window.requestIdleCallback ?? setTimeout;
  const load = () => idle(async () => (await import(vitalsScript)).measure(vitals, isPage));
  if (document.readyState === "complete") load();
  else addEventListener("load", load);
}
