/** Tells those who listen what happens. New speech waits for a pause, and only what is final is said: grey words change too often. */

const LONGEST = 400; // characters at a time

export class Announcer {
  #told = new Set();

  constructor(node) {
    this.node = node;
  }

  /** Says one thing. */
  say(text) {
    this.node.textContent = text;
  }

  /** Of `said`, what is final and new. With `quietly` it is only remembered: what was said before one came is not read out. */
  speech(said, speakers, keyOf, quietly) {
    const fresh = said.filter(({ key, utterance }) => utterance.final && !this.#told.has(key));
    fresh.forEach(({ key }) => this.#told.add(key));
    if (quietly || !fresh.length) return;
    this.say(fresh.map(({ utterance }) => `${speakers.nameOf(keyOf(utterance))}: ${utterance.text}`).join(" ").slice(-LONGEST));
  }
}
