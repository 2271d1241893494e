// How long to wait before a line is opened again: everybody loses it at once, and nobody comes back at the same moment.
const WAIT_MS = [1500, 8000]; // at first, and at most
const AT_LEAST_MS = { 1012: 2500, 1013: 5000 }; // where the server restarts, and where it has too much to do

/** Milliseconds, after so many tries and the end of the last: a server that goes says in how many seconds to come again. */
export function pause(tries, { code, reason }) {
  const told = / in ([\d.]+) s/.exec(reason);
  const [first, most] = WAIT_MS;
  const about = Math.max(told ? told[1] * 1000 : 0, AT_LEAST_MS[code] ?? 0, Math.min(most, first * 2 ** (tries - 1)));
  return about * (0.5 + Math.random());
}
