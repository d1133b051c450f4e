/** Who speaks: what readers call them, and in which colour. Colours go by the name that the uploader gave, so renaming changes none. */

export const COLOURS = 10;
export const UNATTRIBUTED = "Unattributed";

export class Speakers {
  #colours = new Map(); // by key, in order of appearance
  #taken = new Set();
  /** By key, what people call them instead: the meeting's `speaker_names`. */
  names = {};

  /** The name to show. Nobody is guessed: who is not known is said to be so. */
  nameOf(key) {
    return key === null ? UNATTRIBUTED : Object.hasOwn(this.names, key) ? this.names[key] : key || UNATTRIBUTED;
  }

  /** The class of the colour: by the name itself, and the next free one where two names would share it. Asked in order of appearance. */
  classOf(key) {
    if (!key) return "speaker-none";
    if (!this.#colours.has(key)) this.#colours.set(key, this.#choose(key));
    return `speaker-${this.#colours.get(this.keysLike(key)[0])}`;
  }

  /** The keys that are called as `key` is, in order of appearance: whoever was given one name by people is one speaker. */
  keysLike(key) {
    const name = this.nameOf(key);
    return [...this.#colours.keys()].filter((each) => this.nameOf(each) === name);
  }

  #choose(key) {
    let hash = 0x811c9dc5; // FNV-1a
    for (const character of key) hash = Math.imul(hash ^ character.codePointAt(0), 0x01000193) >>> 0;
    const wished = hash % COLOURS;
    for (let step = 0; step < COLOURS; step++) {
      const colour = (wished + step) % COLOURS;
      if (this.#taken.has(colour)) continue;
      this.#taken.add(colour);
      return colour;
    }
    return wished;
  }
}

/** The name that the uploader gave, or null. Servers that know no other name tell only that one. */
export const keyOf = (utterance) => (utterance.speaker_key === undefined ? utterance.speaker : utterance.speaker_key);
