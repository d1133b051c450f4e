/** A meeting's sound, segment after segment. Each is fetched with the token and played from memory. */
import { meetingPath } from "./api.js";

const KEPT = 6; // segments, about a minute of sound

export class Player extends EventTarget {
  #audio = new Audio();
  #kept = new Map();
  #now = null;
  #wish = 0;

  /** `segments()` gives what can be heard, in order of time. Tells of "change" (`now`, `isPlaying`), "time" (`ms`) and "problem" (`error`). */
  constructor(api, meetingId, segments) {
    super();
    Object.assign(this, { api, meetingId, segments });
    this.#audio.preservesPitch = true;
    for (const type of ["play", "pause"]) this.#audio.addEventListener(type, () => this.#tell("change"));
    this.#audio.addEventListener("timeupdate", () => this.#now && this.#tell("time"));
    this.#audio.addEventListener("ended", () => this.#goOn());
  }

  /** The segment that is heard, or null. */
  get now() { return this.#now?.segment ?? null; }
  get isPlaying() { return !this.#audio.paused; }
  /** Where it is, on the meeting's clock. */
  get ms() { return this.#now ? this.#now.startMs + 1000 * this.#audio.currentTime - this.#now.paddingMs : 0; }
  set rate(rate) { this.#audio.defaultPlaybackRate = this.#audio.playbackRate = rate; }

  /** Plays from `ms` on the meeting's clock, in `segment`, or in the one that is said then or next. */
  async play(ms, segment = this.#segmentAt(ms)) {
    if (!segment) return;
    const wish = ++this.#wish;
    try {
      const sound = await this.#fetch(segment);
      if (wish !== this.#wish) return; // by now something else is wanted
      if (this.#now?.url !== sound.url) this.#audio.src = sound.url;
      this.#now = { segment, ...sound };
      this.#audio.currentTime = Math.max(0, ms - sound.startMs + sound.paddingMs) / 1000;
      await this.#audio.play();
      const next = this.#after(segment);
      if (next) this.#fetch(next).catch(() => {}); // asked for again, and told, when its turn comes
    } catch (error) {
      if (wish === this.#wish && error.name !== "AbortError") this.dispatchEvent(Object.assign(new Event("problem"), { error }));
    }
  }

  /** Pauses, or goes on. */
  toggle() {
    if (this.isPlaying) this.#audio.pause();
    else if (this.#now) this.#audio.play().catch(() => {});
    else this.play(0);
  }

  /** Ends, and gives the memory back. */
  close() {
    this.#wish++;
    this.#audio.pause();
    this.#audio.removeAttribute("src");
    this.#now = null;
    for (const url of this.#kept.values()) url.then((sound) => URL.revokeObjectURL(sound.url), () => {});
    this.#kept.clear();
  }

  #goOn() {
    const next = this.#now && this.#after(this.#now.segment);
    if (next) this.play(next.start_ms, next);
    else this.#tell("change");
  }

  #segmentAt(ms) {
    const all = this.segments();
    return all.find(({ start_ms, end_ms }) => start_ms <= ms && ms < end_ms) ?? all.find(({ start_ms }) => start_ms >= ms) ?? all.at(-1);
  }

  #after({ segment_id, start_ms }) {
    const all = this.segments(), at = all.findIndex((each) => each.segment_id === segment_id);
    return at >= 0 ? all[at + 1] : all.find((each) => each.start_ms > start_ms);
  }

  #fetch({ segment_id, revision, start_ms }) {
    const key = `${segment_id} ${revision}`, kept = this.#kept.get(key) ?? this.#load(segment_id, start_ms);
    this.#kept.delete(key); // and back at the end: the oldest are at the beginning
    this.#kept.set(key, kept);
    kept.catch(() => this.#kept.get(key) === kept && this.#kept.delete(key));
    for (const [oldest, sound] of this.#kept) {
      if (this.#kept.size <= KEPT) break;
      this.#kept.delete(oldest);
      sound.then(({ url }) => url !== this.#now?.url && URL.revokeObjectURL(url), () => {});
    }
    return kept;
  }

  async #load(segmentId, startMs) {
    const answer = await this.api.request(meetingPath(this.meetingId, "segments", segmentId, "audio"));
    const number = (name, otherwise) => Number(answer.headers.get(name) ?? otherwise);
    const told = { startMs: number("Turnscribe-Start-Ms", startMs), paddingMs: number("Turnscribe-Padding-Ms", 0) };
    return { ...told, url: URL.createObjectURL(await answer.blob()) };
  }

  #tell(type) {
    this.dispatchEvent(new Event(type));
  }
}
