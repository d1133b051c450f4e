/** Looking for words in the meeting that is open: all places are marked, and Enter goes from one to the next. */
import { el, setText } from "./dom.js";

export class FindInMeeting {
  #found = [];
  #at = -1;

  constructor(transcript) {
    this.transcript = transcript;
    this.input = el("input", { type: "search", placeholder: "Find in this meeting", "aria-label": "Find in this meeting", autocomplete: "off", maxlength: "200",
      input: () => { this.#at = -1; this.refresh(); }, keydown: (event) => this.#pressed(event) });
    this.count = el("output", { class: "count", "aria-live": "polite" });
    const step = (by, label, sign) => el("button", { type: "button", class: "quiet", "aria-label": label, click: () => this.#step(by) }, sign);
    this.buttons = el("span", { class: "steps", hidden: true }, this.count, step(-1, "Previous place", "↑"), step(1, "Next place", "↓"));
    this.node = el("div", { class: "find", role: "search", "aria-label": "This meeting" }, this.input, this.buttons);
  }

  /** Marks anew, after the transcript or the wish has changed. */
  refresh() {
    const wanted = this.input.value.trim();
    if (!wanted && !this.#found.length) return this.#tell();
    for (const word of this.transcript.node.querySelectorAll(".found")) word.classList.remove("found", "found-here");
    this.#found = wanted ? this.transcript.rows.flatMap((row) => places(row.item.utterance.words.map(({ text }) => text), wanted).map((indexes) => ({ row, indexes }))) : [];
    for (const { row, indexes } of this.#found) indexes.forEach((index) => row.words[index].classList.add("found"));
    this.#tell();
  }

  #pressed(event) {
    if (event.key === "Enter") this.#step(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape" && this.input.value) {
      this.input.value = "";
      this.refresh();
    } else return;
    event.preventDefault();
  }

  #step(by) {
    const many = this.#found.length;
    if (!many) return;
    this.#at = this.#at < 0 && by < 0 ? many - 1 : (this.#at + by + many) % many;
    this.transcript.node.querySelectorAll(".found-here").forEach((word) => word.classList.remove("found-here"));
    const { row, indexes } = this.#found[this.#at];
    indexes.forEach((index) => row.words[index].classList.add("found-here"));
    this.transcript.point(row, indexes[0]);
    this.#tell();
  }

  #tell() {
    this.buttons.hidden = !this.input.value.trim();
    const many = this.#found.length;
    setText(this.count, !this.input.value.trim() ? "" : !many ? "not found" : this.#at < 0 ? `${many} found` : `${Math.min(this.#at, many - 1) + 1} of ${many}`);
  }
}

/** Where `wanted` stands in `words`, as lists of word indexes; capitals and spaces make no difference. Pure. */
export function places(words, wanted) {
  const plain = (text) => text.normalize("NFC").toLocaleLowerCase().replace(/\s+/g, " ");
  const starts = [], sought = plain(wanted).trim(), found = [];
  let text = "";
  for (const word of words) {
    if (text) text += " ";
    starts.push(text.length);
    text += plain(word).trim();
  }
  for (let at = text.indexOf(sought); sought && at >= 0; at = text.indexOf(sought, at + sought.length)) {
    const indexes = starts.flatMap((start, index) => (start < at + sought.length && (starts[index + 1] ?? Infinity) > at ? [index] : []));
    found.push(indexes);
  }
  return found;
}
