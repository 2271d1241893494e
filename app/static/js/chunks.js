// A list that grows: its "Next" is an ordinary link, and when it comes into view, or is pressed, what it leads to is put
// behind what is there. After a few times nothing comes by itself any more, or nobody would ever reach what is below.
//
// Each chunk is then followed for itself, and only while it can be seen: a change costs one chunk, not the list.
const AT_ONCE = 5; // chunks that come by themselves
const TRIES = 4; // after which what does not come stays a link
const AGAIN_MS = 500; // until it is tried again, and twice as long each time
const AHEAD = "600px"; // how far below the window one is sent for
const NEAR = "200px"; // how far outside of it one still counts as seen

const lists = new WeakMap();
let last = null; // the list that was followed last, as long as it is there
addEventListener("scroll", () => last?.deref()?.scroll(), { passive: true });

/** Let `list` grow, or look again at what is there after it was shown anew. */
export function follow(list, tools) {
  let grown = lists.get(list);
  const isNew = !grown;
  if (isNew) lists.set(list, (grown = new List(list, tools)));
  last = new WeakRef(grown);
  grown.look();
  if (isNew) grown.comeBack(); // a part that is shown anew while somebody is on the way elsewhere brings nobody back
}

class List {
  #list; #tools; #below; #seen;
  #path = location.pathname;
  #enough = AT_ONCE + 1; // so many are there before nothing comes by itself any more: counted, as one that fails is none
  #failed = 0;
  #isGrowing = false; // kept here: morphing takes from the link what the server knows nothing of
  #scrolled = scrollY > 0;
  #asked; // the request for the row that was followed last
  #channels;
  #addresses = new Map(); // of the page that each chunk begins, by its id
  #followed = new WeakSet();
  #late = new WeakSet(); // chunks that may have missed something
  #visible = new Set();

  constructor(list, tools) {
    this.#list = list;
    this.#tools = tools;
    this.#below = new IntersectionObserver((found) => { if (found.some((each) => each.isIntersecting)) this.#reach(); }, { rootMargin: AHEAD });
    this.#seen = new IntersectionObserver((found) => this.#show(found), { rootMargin: NEAR });
    list.addEventListener("htmx:before:request", ({ target, detail: { ctx } }) => { if (target.matches("a")) this.#asked = ctx; });
    list.addEventListener("htmx:finally:request", ({ target, detail: { ctx } }) => { if (ctx === this.#asked) this.#stay(target.getAttribute("href")); });
    list.parentElement.addEventListener("click", (event) => this.#press(event), true);
  }

  get #next() {
    return this.#list.nextElementSibling?.querySelector("a[rel=next]");
  }

  get #chunks() {
    return [...this.#list.children]; // nothing here may look at every row there is
  }

  look() {
    if (this.#channels !== undefined) this.#followEach();
    this.#below.disconnect();
    const link = this.#next;
    if (!link) return;
    link.ariaBusy = this.#isGrowing ? "true" : null;
    if (this.#isFull) link.querySelector("span").textContent = this.#tools.say("more");
    this.#below.observe(link);
  }

  get #isFull() {
    return this.#chunks.length >= this.#enough;
  }

  /** A short page shows its end at once: nobody has asked for more before they have moved. */
  scroll() {
    if (this.#scrolled) return;
    this.#scrolled = true;
    this.look();
  }

  /** Whoever comes back finds the row that they have followed. */
  comeBack() {
    const row = history.state?.row && this.#list.querySelector(`a[href="${CSS.escape(history.state.row)}"]`);
    if (!row) return;
    history.replaceState({ ...history.state, row: null }, "");
    row.scrollIntoView({ block: "center" });
    row.focus({ preventScroll: true });
  }

  /** What a row leads to did not come, or the list would not be here: nobody is on the way there, or comes back. */
  #stay(row) {
    if (this.#list.isConnected && history.state?.row === row) history.replaceState({ ...history.state, row: null }, "");
  }

  #reach() {
    if (this.#scrolled && !this.#isFull) this.#grow();
  }

  #press(event) {
    if (!this.#list.isConnected || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest("a[href]");
    const chunk = link?.closest("[data-chunk]");
    // Whoever comes back from there comes to the part of the list that holds it.
    if (chunk) history.replaceState({ ...history.state, htmx: true, row: link.getAttribute("href") }, "", this.#addresses.get(chunk.id) ?? location.href);
    if (!link || link !== this.#next) return;
    event.preventDefault();
    event.stopPropagation();
    this.#enough = this.#chunks.length + AT_ONCE;
    this.#failed = 0;
    this.#grow(true);
  }

  async #grow(byHand = false) {
    if (this.#isGrowing || !this.#next) return;
    this.#isGrowing = true;
    this.#next.ariaBusy = "true";
    const address = this.#next.getAttribute("href");
    try {
      const answer = await fetch(address, { headers: { "HX-Request": "true", "HX-Request-Type": "partial" } });
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      this.#add(address, new DOMParser().parseFromString(await answer.text(), "text/html"), byHand);
      this.#failed = 0;
    } catch {
      this.#failed += 1;
      if (byHand) this.#tools.toast(this.#tools.say("unsent"), "danger");
    }
    this.#isGrowing = false;
    if (this.#failed < TRIES) setTimeout(() => this.look(), this.#failed && AGAIN_MS * 2 ** this.#failed);
    else if (this.#next) this.#next.ariaBusy = null;
  }

  #add(address, page, byHand) {
    const link = this.#next;
    if (!this.#list.isConnected || link?.getAttribute("href") !== address) return; // it was shown anew, and goes on elsewhere
    const chunk = page.querySelector("[data-chunk]");
    const more = page.querySelector(".pages a[rel=next]")?.getAttribute("href");
    if (chunk && !document.getElementById(chunk.id)) {
      this.#addresses.set(chunk.id, address);
      this.#measure(chunk);
      this.#list.append(chunk);
      if (this.#channels === undefined) this.#takeOver(this.#list.closest("[data-live]"));
      this.#followEach();
      this.#tools.announce(this.#tools.say("longer"));
      if (byHand) chunk.querySelector("a")?.focus({ preventScroll: true });
    }
    if (more && more !== address) link.href = more;
    else link.remove();
  }

  /** How high it will be, so that the bar beside the window tells the truth of what was not drawn yet. */
  #measure(chunk) {
    const [first] = this.#chunks;
    const rows = (each) => each.querySelectorAll("tbody tr, .timeline__item").length || 1;
    chunk.style.containIntrinsicBlockSize = `auto ${Math.round((first.offsetHeight / rows(first)) * rows(chunk))}px`;
  }

  /** From here on the chunks follow what they show, instead of the whole list; a trail that stands still follows nothing. */
  #followEach() {
    for (const chunk of this.#chunks.filter((each) => !this.#followed.has(each))) {
      this.#followed.add(chunk);
      this.#seen.observe(chunk);
      if (!this.#addresses.has(chunk.id)) this.#addresses.set(chunk.id, location.pathname + location.search);
      if (!this.#channels || chunk.dataset.live) continue; // shown anew, it has all of this
      const follow = { "data-live": this.#channels, "hx-get": chunk.dataset.chunk, "hx-trigger": "live", "hx-swap": "outerMorph", "hx-sync": "this:drop" };
      for (const [name, value] of Object.entries(follow)) chunk.setAttribute(name, value);
      this.#tools.process(chunk);
    }
  }

  /** What holds the list would show it anew as one page. Where it is nothing but the list it has done its part. */
  #takeOver(whole) {
    this.#channels = whole?.dataset.live ?? null;
    if (!whole) return;
    if (whole.classList.contains("htmx-request")) this.#late.add(this.#chunks[0]);
    const grown = this.#list.parentElement;
    if (grown.parentElement !== whole || grown.nextElementSibling || grown.previousElementSibling) grown.setAttribute("hx-morph-skip", "");
    else this.#silence(whole);
  }

  /** What is under way, or was about to begin, is let go. */
  #silence(whole) {
    delete whole.dataset.live;
    whole.dispatchEvent(new CustomEvent("htmx:abort"));
    whole.addEventListener("htmx:before:swap", (event) => { if (event.target === whole) event.preventDefault(); });
    whole.addEventListener("live", (event) => {
      if (event.target !== whole) return;
      event.stopImmediatePropagation();
      whole.dispatchEvent(new CustomEvent("htmx:finally:request"));
      for (const chunk of this.#visible) chunk.dispatchEvent(new CustomEvent("live"));
    }, true);
  }

  #show(found) {
    for (const { target, isIntersecting } of found) {
      const { dataset } = target;
      if (isIntersecting) this.#visible.add(target);
      else this.#visible.delete(target);
      if (!this.#channels) continue;
      if (!isIntersecting) {
        delete dataset.live;
        this.#late.add(target);
      } else if (this.#late.delete(target)) {
        dataset.live = this.#channels;
        target.dispatchEvent(new CustomEvent("live"));
      }
    }
    if (history.state?.row) return; // somebody is on the way elsewhere, and comes back to that row
    const top = this.#chunks.find((chunk) => this.#visible.has(chunk) && chunk.getBoundingClientRect().bottom > 0);
    // The address is that of what one sees: reloading, or coming back, leads there.
    if (top && this.#list.isConnected && location.pathname === this.#path) history.replaceState(history.state, "", this.#addresses.get(top.id));
  }
}
