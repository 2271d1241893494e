// Who else is on this page, and who writes there: drawn into <div data-here="task.<id>">. A module of its own, as only
// pages of things load it.
const AVATARS = 4;
const NAMES = 2;

const crowds = new Map(); // by "presence task.<id>": who is shown, how many there are, and whether we are one of them
const said = new Map(); // what was read aloud last, by place

/** Take what the line says of a crowd: everybody who is in it, or who has come and gone. */
export function meet({ event, channel, whole, you, count, joined, left }, announce) {
  const key = `${event} ${channel}`;
  const people = new Map(whole ? [] : crowds.get(key)?.people);
  for (const id of left ?? []) people.delete(id);
  for (const person of joined ?? []) people.set(person.id, person);
  crowds.set(key, { people, count, you });
  show(announce);
}

/** Draw everywhere who is there: the page may have been put together anew. */
export function show(announce) {
  const places = [...document.querySelectorAll("[data-here]")];
  const channels = new Set(places.map((place) => place.dataset.here));
  for (const key of crowds.keys()) if (!channels.has(key.split(" ")[1])) crowds.delete(key);
  for (const channel of said.keys()) if (!channels.has(channel)) said.delete(channel);
  for (const place of places) draw(place, announce);
}

function draw(place, announce) {
  const channel = place.dataset.here;
  const words = JSON.parse(place.dataset.words);
  const here = othersIn(`presence ${channel}`);
  const writing = othersIn(`edits ${channel}`);
  const names = here.count ? fill(here.people.length ? words.here : words.here_number, here, words) : "";
  const edits = writing.count ? fill(words[!writing.people.length ? "edits_number" : writing.count > 1 ? "edits_many" : "edits"], writing, words) : "";
  const drawn = JSON.stringify([names, edits, here.people]);
  if (place.drawn === drawn) return;
  place.drawn = drawn;
  place.replaceChildren(place.querySelector("template"), ...(names ? [row(place, here, names)] : []), ...(edits ? [line("p", "here__edits", edits)] : []));
  sayOnce(channel, names, edits, announce);
}

/** The first who is met on a page, and who begins to write: nobody is told of all that come and go. */
function sayOnce(channel, names, edits, announce) {
  const before = said.get(channel) ?? {};
  said.set(channel, { met: before.met || Boolean(names), edits });
  const news = edits && edits !== before.edits ? edits : !before.met && names;
  if (news) announce(news);
}

/** Somebody who is at a place, by their id. */
export function person(channel, id) {
  return crowds.get(`presence ${channel}`)?.people.get(id);
}

/** Whether we are seen at a place by somebody else. */
export function isSeen(channel) {
  return Boolean(crowds.get(`presence ${channel}`)?.you) && othersIn(`presence ${channel}`).count > 0;
}

function othersIn(key) {
  const crowd = crowds.get(key);
  if (!crowd) return { people: [], count: 0 };
  const me = Number(document.body.dataset.person);
  return { people: [...crowd.people.values()].filter(({ id }) => id !== me), count: crowd.count - (crowd.you ? 1 : 0) };
}

function row(place, { people, count }, names) {
  const made = line("p", "here__people", "");
  const faces = line("span", "here__faces", "");
  const seen = people.slice(0, AVATARS);
  faces.append(...seen.map((person) => avatar(place, person)));
  if (count > seen.length) {
    const more = line("span", "here__more", seen.length ? `+${count - seen.length}` : String(count));
    more.ariaHidden = "true";
    faces.append(more);
  }
  made.title = names;
  made.append(faces, line("span", "here__names", names));
  return made;
}

/** As the macro of the server draws it: it left one to copy. */
function avatar(place, { id, initials, hue, picture }) {
  const made = place.querySelector("template").content.firstElementChild.cloneNode(true);
  made.className = made.className.replace(/hue-\d/, `hue-${hue}`);
  made.firstChild.data = initials;
  if (picture) {
    const image = document.createElement("img");
    image.className = "avatar__picture";
    image.alt = "";
    image.src = place.dataset.picture.replace(/0\/picture\/.*/, `${id}/picture/${picture}`);
    made.append(image);
  }
  return made;
}

function fill(sentence, { people, count }, words) {
  const named = people.slice(0, NAMES).map(({ name }) => name);
  const more = count - named.length;
  let names = named.join(", ");
  if (more > 0) names = put(words.more, { names, count: more });
  else if (named.length > 1) names = put(words.and, { first: named[0], second: named[1] });
  return put(sentence, { names, count });
}

function put(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function line(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}
