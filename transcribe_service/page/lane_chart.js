/** Who spoke when: a lane for each speaker, time from left to right. A click, or a key, goes to what was said there. */
import { clockTime, shortLength, spokenTime } from "./clock.js";
import { el, setText, svg } from "./dom.js";
import { keyOf } from "./speakers.js";

const STEP_MS = 5000, TICKS_MS = [5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200].map((seconds) => 1000 * seconds);
const TICK_PX = 75; // that a mark of the time needs
const SHORTEST = 1 / 500; // of the whole: what is shorter would not be seen

export class LaneChart {
  #lanes = new Map();
  #durationMs = 1;
  #atMs = 0;

  /** `ongo(ms)` leads the reader there; `onrename(button, key)` may replace the button while a name is written. */
  constructor({ speakers, ongo, onrename }) {
    Object.assign(this, { speakers, ongo, onrename });
    this.names = el("ul", { class: "lane-names", role: "list", "aria-label": "Speakers" });
    this.picture = svg("svg", { preserveAspectRatio: "none", "aria-hidden": "true" });
    this.cursor = el("div", { class: "cursor", "aria-hidden": "true" });
    this.plot = el("div", {
      class: "plot", role: "slider", tabindex: "0", "aria-label": "Position in the meeting", "aria-orientation": "horizontal", "aria-valuemin": "0",
      click: (event) => this.#clicked(event), keydown: (event) => this.#pressed(event),
    }, this.picture, this.cursor);
    this.ticks = el("div", { class: "ticks", "aria-hidden": "true" });
    this.node = el("section", { class: "lanes", "aria-label": "Who spoke when" }, this.names, this.plot, this.ticks);
  }

  /** Draws what `MeetingState` knows. */
  show(said, gaps) {
    this.said = said;
    const lanes = new Map(), alike = new Map([[null, null]]);
    for (const { utterance } of said) {
      const own = keyOf(utterance) || null;
      if (!alike.has(own)) {
        this.speakers.classOf(own);
        alike.set(own, this.speakers.keysLike(own)[0]);
      }
      const key = alike.get(own);
      if (!lanes.has(key)) lanes.set(key, { key, spans: [], spokenMs: 0 });
      const lane = lanes.get(key);
      lane.spans.push(utterance);
      lane.spokenMs += utterance.end_ms - utterance.start_ms;
    }
    this.#durationMs = Math.max(1, ...gaps.map(({ end_ms }) => end_ms), said.reduce((last, { utterance }) => Math.max(last, utterance.end_ms), 0));
    const shown = [...lanes.values()].sort((one, other) => (one.key === null) - (other.key === null)); // the unknown last, else by appearance
    this.node.hidden = shown.length === 0;
    this.#draw(shown, gaps);
    this.#listNames(shown);
    this.#drawTicks();
    this.at(Math.min(this.#atMs, this.#durationMs));
  }

  /** Shows the names anew. */
  rename() {
    for (const [key, { button, share }] of this.#lanes) this.#name(button, share, key);
  }

  /** Puts the cursor at `ms` of the meeting. */
  at(ms) {
    this.#atMs = ms;
    this.cursor.style.left = `${(100 * ms) / this.#durationMs}%`;
    this.plot.setAttribute("aria-valuemax", Math.round(this.#durationMs / 1000));
    this.plot.setAttribute("aria-valuenow", Math.round(ms / 1000));
    const speaking = this.said.filter(({ utterance }) => utterance.start_ms <= ms && ms < utterance.end_ms);
    const names = [...new Set(speaking.map(({ utterance }) => this.speakers.nameOf(keyOf(utterance))))];
    this.plot.setAttribute("aria-valuetext", `${spokenTime(ms)}, ${names.join(" and ") || "nobody speaks"}`);
  }

  #draw(lanes, gaps) {
    const shortest = this.#durationMs * SHORTEST;
    this.picture.setAttribute("viewBox", `0 0 ${this.#durationMs} ${Math.max(1, lanes.length)}`);
    this.picture.replaceChildren(
      ...gaps.map(({ start_ms, end_ms }) => svg("rect", { class: "gap", x: start_ms, y: 0, width: Math.max(shortest, end_ms - start_ms), height: lanes.length })),
      ...lanes.map(({ key, spans }, row) => svg("path", {
        class: this.speakers.classOf(key),
        d: spans.map(({ start_ms, end_ms }) => `M${start_ms} ${row + 0.22}h${Math.max(shortest, end_ms - start_ms)}v.56H${start_ms}z`).join(""),
      })),
    );
    this.plot.style.setProperty("--lanes", Math.max(1, lanes.length));
  }

  #listNames(lanes) {
    const allMs = lanes.reduce((sum, { spokenMs }) => sum + spokenMs, 0);
    const known = new Map(this.#lanes);
    this.#lanes.clear();
    const items = lanes.map(({ key, spokenMs }) => {
      const had = known.get(key) ?? this.#newName(key);
      had.share.dataset.text = `${shortLength(spokenMs)}, ${Math.round((100 * spokenMs) / Math.max(1, allMs))} %`;
      this.#lanes.set(key, had);
      this.#name(had.button, had.share, key);
      return had.item;
    });
    if (items.length !== this.names.children.length || items.some((item, at) => this.names.children[at] !== item)) this.names.replaceChildren(...items);
  }

  #newName(key) {
    const share = el("span", { class: "share" });
    const button = key === null ? el("span", { class: "name" })
      : el("button", { class: "name", type: "button", click: ({ currentTarget }) => this.onrename(currentTarget, key) });
    return { button, share, item: el("li", { class: this.speakers.classOf(key) }, button, share) };
  }

  #name(button, share, key) {
    const name = this.speakers.nameOf(key);
    setText(button, name);
    setText(share, share.dataset.text);
    if (key !== null) {
      button.setAttribute("aria-label", `${name}: rename`);
      button.title = `${name}: rename`;
    }
  }

  #drawTicks() {
    const most = Math.min(8, Math.max(2, this.plot.clientWidth / TICK_PX));
    const every = TICKS_MS.find((ms) => this.#durationMs / ms <= most) ?? 2 * TICKS_MS.at(-1);
    const marks = [];
    for (let ms = 0; ms <= this.#durationMs * 0.95; ms += every) {
      const mark = el("span", {}, clockTime(ms));
      mark.style.left = `${(100 * ms) / this.#durationMs}%`;
      marks.push(mark);
    }
    this.ticks.replaceChildren(...marks);
  }

  #clicked(event) {
    const { left, width } = this.plot.getBoundingClientRect();
    this.#go((this.#durationMs * (event.clientX - left)) / width);
  }

  #pressed(event) {
    const ways = { ArrowRight: STEP_MS, ArrowUp: STEP_MS, ArrowLeft: -STEP_MS, ArrowDown: -STEP_MS, PageUp: 12 * STEP_MS, PageDown: -12 * STEP_MS, Home: -Infinity, End: Infinity };
    if (!Object.hasOwn(ways, event.key)) return;
    event.preventDefault();
    this.#go(this.#atMs + ways[event.key]);
  }

  #go(ms) {
    const within = Math.min(this.#durationMs, Math.max(0, ms));
    this.at(within);
    this.ongo(within);
  }
}
