// Between the pages and the network, so that a page can say calmly that there is none. It keeps our own files and one
// page for that, nothing else: no page of anybody's, no answer of the API, no download. Written before it by
// app/web/installed_app.py: the version, the files of the first load, and the page for when nothing is reached.
const { version, files, page } = self.shipped;
const KEPT = "static-";
const NAME = KEPT + version;
const STATIC = "/static/dist/"; // every name there holds the hash of its bytes: what was kept is never old

self.addEventListener("install", (event) => event.waitUntil(keepFiles()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin) return;
  if (mode === "navigate") event.respondWith(fromNetwork(event));
  else if (pathname.startsWith(STATIC)) event.respondWith(fromHere(event.request));
});

async function keepFiles() {
  const kept = await caches.open(NAME);
  await Promise.all([...files.map((file) => kept.add(file)), kept.add(new Request(page, { cache: "reload" }))]);
  await self.skipWaiting();
}

/** Serve every page that is open, and tell it what is served now. The files of one version before stay for those. */
async function takeOver() {
  const older = (await caches.keys()).filter((name) => name.startsWith(KEPT) && name !== NAME);
  await Promise.all(older.slice(0, -1).map((name) => caches.delete(name)));
  await self.registration.navigationPreload?.enable();
  await self.clients.claim();
  for (const client of await self.clients.matchAll()) client.postMessage({ shipped: files });
}

async function fromNetwork(event) {
  try {
    return (await event.preloadResponse) ?? (await fetch(event.request));
  } catch {
    return (await caches.match(page, { cacheName: NAME })) ?? Response.error();
  }
}

async function fromHere(request) {
  const known = await caches.match(request);
  if (known) return known;
  const answer = await fetch(request);
  if (mayBeKept(answer)) await (await caches.open(NAME)).put(request, answer.clone());
  return answer;
}

function mayBeKept(answer) {
  return answer.status === 200 && !answer.redirected && answer.type === "basic" && !/no-store/.test(answer.headers.get("Cache-Control"));
}
