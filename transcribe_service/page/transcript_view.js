/** What was said, to read: one row for each utterance, in which every word can be heard. */
import { clockTime, shortLength } from "./clock.js";
import { el, setText } from "./dom.js";
import { keyOf } from "./speakers.js";
import { WordKeys } from "./word_keys.js";

const PAUSE_MS = 8000; // after which a speaker's name is said again

export class TranscriptView {
  #rows = new Map();
  #order = [];
  #playing = null;

  /** `onplay(said, wordIndex)`; `onrename(button, key)` may replace the button while a name is written. */
  constructor({ speakers, onplay, onrename }) {
    Object.assign(this, { speakers, onplay, onrename });
    this.node = el("ol", { class: "utterances", role: "list", "aria-label": "Transcript", click: (event) => this.#clicked(event) });
    this.keys = new WordKeys(this.node, (word) => this.#play(word));
  }

  /** Shows `said` and `gaps` (see `MeetingState`); rows whose utterance is the same object stay as they are. */
  show(said, gaps) {
    const items = [...said, ...gaps].sort((one, other) => startOf(one) - startOf(other));
    const keys = new Set(items.map(({ key }) => key));
    for (const [key, row] of this.#rows) {
      if (!keys.has(key)) { row.node.remove(); this.#rows.delete(key); }
    }
    let before = null, place = this.node.firstChild;
    this.#order = items.map((item) => {
      let row = this.#rows.get(item.key);
      if (!row) this.#rows.set(item.key, row = item.utterance ? new Row(this.speakers) : new GapRow());
      row.show(item, before !== null && goesOn(before, item));
      if (row.node === place) place = place.nextSibling;
      else this.node.insertBefore(row.node, place);
      before = item;
      return row;
    });
    this.keys.settle();
  }

  /** Shows the names anew. */
  rename() {
    for (const row of this.rows) row.name();
  }

  /** The rows of utterances, in order: for who looks for something in them. */
  get rows() {
    return this.#order.filter(({ item }) => item.utterance);
  }

  /** Brings what is said at `ms`, or next, before the reader's eyes. */
  reveal(ms) {
    const rows = this.rows, row = rows.find(({ item }) => item.utterance.end_ms > ms) ?? rows.at(-1);
    if (!row) return false;
    const at = row.item.utterance.words.findIndex(({ end_ms }) => end_ms > ms);
    this.point(row, Math.max(at, 0));
    return true;
  }

  /** Scrolls to a word and shows for a moment which one was meant. */
  point(row, index) {
    const word = row.words[index] ?? row.node;
    word.scrollIntoView({ block: "center", behavior: smooth() });
    if (row.words[index]) this.keys.move(word, false);
    this.node.querySelector(".pointed")?.classList.remove("pointed");
    void row.node.offsetWidth; // so that the animation begins again
    row.node.classList.add("pointed");
  }

  /** Marks the word that is heard at `ms` of a segment; null: none. Returns its utterance. */
  mark(segmentId, ms) {
    let heard = null, its = null;
    for (const row of segmentId === null ? [] : this.#order) {
      if (row.item.segment?.segment_id !== segmentId) continue;
      row.item.utterance.words.forEach((word, index) => { if (word.start_ms <= ms + 30) { heard = row.words[index]; its = row; } });
    }
    if (heard !== this.#playing?.word) {
      this.#playing?.word.classList.remove("playing");
      heard?.classList.add("playing");
      if (heard && its.node !== this.#playing?.row.node) its.node.scrollIntoView({ block: "nearest", behavior: smooth() });
      this.#playing = heard && { word: heard, row: its };
    }
    return its?.item.utterance ?? null;
  }

  #clicked(event) {
    if (!getSelection().isCollapsed) return; // who marks text to copy it wants to hear nothing
    const { target } = event, row = this.#rowOf(target);
    if (!row?.item.utterance) return;
    if (target.closest(".word")) this.#play(target.closest(".word"));
    if (target.closest(".time")) this.onplay(row.item, 0);
    if (target.closest("button.name")) this.onrename(target.closest("button.name"), keyOf(row.item.utterance));
  }

  #play(word) {
    const row = this.#rowOf(word);
    this.keys.move(word, true);
    this.onplay(row.item, row.words.indexOf(word));
  }

  #rowOf(node) {
    const found = node.closest("li");
    return this.#order.find((row) => row.node === found);
  }
}

/** One utterance. */
class Row {
  words = [];
  colour = "speaker-none";
  #said = el("span", { class: "name" });
  #time = el("button", { class: "time", type: "button", tabindex: "-1" });
  #state = el("span", { class: "unseen" });
  #text = el("p");

  constructor(speakers) {
    this.speakers = speakers;
    this.node = el("li", { class: this.colour }, el("div", { class: "said-by" }, this.#said, this.#time), el("div", { class: "text" }, this.#text, this.#state));
  }

  show(item, goesOn) {
    this.node.classList.toggle("goes-on", goesOn);
    if (this.item === item) return;
    this.item = item;
    const { words, text, start_ms, final, language } = item.utterance;
    setText(this.#time, clockTime(start_ms));
    this.#time.setAttribute("aria-label", `Play from ${clockTime(start_ms)}`);
    setText(this.#state, final ? "" : " (not final yet)");
    this.node.classList.toggle("live", !final);
    if (/^[a-z]{2,3}(-|$)/i.test(language)) this.#text.lang = language;
    this.name();
    this.#showWords(words, words.length > 1 && text === words.map((word) => word.text).join("") ? "" : " ", final);
  }

  name() {
    const key = keyOf(this.item.utterance), name = this.speakers.nameOf(key), colour = this.speakers.classOf(key);
    if (colour !== this.colour) {
      this.node.classList.remove(this.colour);
      this.node.classList.add(this.colour = colour);
    }
    if (!this.#said.parentNode) return; // somebody is writing another name into its place
    const tag = key ? "BUTTON" : "SPAN";
    if (this.#said.tagName !== tag) {
      const other = el(tag, { class: "name", ...(key ? { type: "button", tabindex: "-1", title: "Rename" } : {}) });
      this.#said.replaceWith(other);
      this.#said = other;
    }
    setText(this.#said, name);
  }

  /** Words keep their elements, so that a grey one turns firm where it stands. */
  #showWords(words, joint, final) {
    while (this.words.length > words.length) {
      const word = this.words.pop();
      if (word.previousSibling?.nodeType === Node.TEXT_NODE) word.previousSibling.remove();
      word.remove();
    }
    words.forEach((word, index) => {
      const span = this.words[index] ?? el("span", { class: "word" });
      setText(span, word.text);
      span.classList.toggle("provisional", !final && !word.confirmed);
      if (this.words[index]) return;
      if (index && joint) this.#text.append(joint);
      this.#text.append(span);
      this.words.push(span);
    });
  }
}

/** Sound that never came. */
class GapRow {
  words = [];
  node = el("li", { class: "gap" });

  show(item) {
    this.item = item;
    setText(this.node, `${clockTime(item.start_ms)}: ${shortLength(item.end_ms - item.start_ms)} of sound are missing here.`);
  }
}

const startOf = (item) => item.utterance?.start_ms ?? item.start_ms;
const goesOn = (before, item) => Boolean(before.utterance && item.utterance) && keyOf(before.utterance) === keyOf(item.utterance)
  && item.utterance.start_ms - before.utterance.end_ms < PAUSE_MS;
const smooth = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth");
