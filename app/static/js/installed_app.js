// What stands between the pages and the network (service_worker.js): put there once a page is loaded, and looked after.
import { offer, say } from "./messages.js";

const SCRIPT = "/sw.js";
const HOUR_MS = 3_600_000;
const WAIT_MS = [2000, 30_000]; // before the server is looked for again: at first, and at most

export function watchInstalledApp() {
  if (document.querySelector("[data-offline]")) waitForServer();
  const workers = navigator.serviceWorker;
  if (!workers) return; // not over a connection that anybody could read
  workers.addEventListener("message", ({ data }) => { if (data.shipped && !isOurs(data.shipped)) offerReload(); });
  addEventListener("load", () => workers.register(SCRIPT).catch(() => {})); // where it may not be, pages work as before
  // A browser looks for a new one when a page is loaded: some stay open for weeks.
  let looked = Date.now();
  document.addEventListener("visibilitychange", async () => {
    if (document.hidden || Date.now() - looked < HOUR_MS) return;
    looked = Date.now();
    await (await workers.getRegistration())?.update().catch(() => {});
  });
}

/** The page without network goes on by itself. Everybody waits for the same server: nobody asks at the same moment. */
function waitForServer() {
  const [first, most] = WAIT_MS;
  let tries = 0;
  const look = () => fetch("/healthz", { cache: "no-store" }).then(({ ok }) => { if (ok) location.reload(); else lookAgain(); }, lookAgain);
  const lookAgain = () => setTimeout(look, Math.min(most, first * 2 ** tries++) * (0.5 + Math.random()));
  addEventListener("online", look);
  lookAgain();
}

/** Whether this page runs the script and the style that are served now; if so there is nothing to reload for. */
function isOurs(shipped) {
  const own = [...document.querySelectorAll("head > script[src], head > link[rel=stylesheet]")];
  return own.every((each) => shipped.includes(each.getAttribute("src") ?? each.getAttribute("href")));
}

let offered = false;

function offerReload() {
  if (offered) return;
  offered = true;
  offer(say("newer"), say("reload"), () => location.reload());
}
