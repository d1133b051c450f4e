/** Whether the page stays at its end while a meeting goes on: until its reader scrolls up, and again once they are back at the end. */

const NEAR_PX = 40;

export class Following {
  /** Whether the end of the page is where news come. */
  mayResume = false;
  #last = 0;

  /** `onchange(isFollowing)`; `signal` ends it. */
  constructor({ onchange, signal }) {
    this.isOn = false;
    this.onchange = onchange;
    addEventListener("scroll", () => this.#scrolled(), { passive: true, signal });
  }

  /** Follows from now on. */
  start() {
    this.#set(true);
    this.grown();
  }

  /** Follows no longer. */
  stop() {
    this.#set(false);
  }

  /** To be called when the page has become longer. */
  grown() {
    if (this.isOn) scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
    this.#last = scrollY;
  }

  /** Only a way up is the reader's own: the page itself moves down as it grows. */
  #scrolled() {
    const isUp = scrollY < this.#last - 2;
    const leftPx = document.documentElement.scrollHeight - innerHeight - scrollY;
    this.#last = scrollY;
    if (leftPx < NEAR_PX) this.#set(this.mayResume);
    else if (isUp) this.#set(false);
  }

  #set(isOn) {
    if (this.isOn === isOn) return;
    this.isOn = isOn;
    this.onchange(isOn);
  }
}
