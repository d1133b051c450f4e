/** The microphone's recording: one at a time, which goes on whatever the page shows. Uploading is done by ingest's own recorder. */
import { meetingPath } from "./api.js";

const NAME_EVERY_MS = 1000;

export class Recording extends EventTarget {
  /** "off", "starting", "on", "ending" */
  state = "off";
  meetingId = null;
  pending = 0;
  chunks = 0;
  waiting = false;
  problem = "";
  /** Requests of earlier recordings, which a page that is gone has left. */
  left = 0;
  #left = new Map();

  /** `server`: where recordings are sent. */
  constructor(api, server) {
    super();
    Object.assign(this, { api, server });
    for (const type of ["online", "offline"]) addEventListener(type, () => this.#change({}));
    addEventListener("beforeunload", (event) => { if (this.state !== "off") event.preventDefault(); });
  }

  /** Records into a new meeting and resolves to its id. Rejects, in words for people, where that can't be. */
  async start({ title, name }) {
    this.#change({ state: "starting", problem: "", pending: 0, chunks: 0, waiting: false, title });
    try {
      const recorder = await this.#script();
      const meetingId = newMeetingId(new Date(), crypto.getRandomValues(new Uint32Array(1))[0]);
      this.recorder = await recorder.record({ server: this.server, token: this.api.session.token, meetingId, ...this.#told() });
      this.microphone = await navigator.mediaDevices.getUserMedia({ audio: true }).catch(() => null); // its level, to be seen
      if (name) this.naming = setInterval(() => this.recorder.speakers([[name, "1111111111"]]).catch(() => {}), NAME_EVERY_MS);
      this.#change({ state: "on", meetingId, began: performance.now() });
      return meetingId;
    } catch (error) {
      this.#change({ state: "off" });
      throw new Error(REASONS[error.name] ?? error.message);
    }
  }

  /** Ends it. What could not be sent yet goes on by itself. */
  async stop() {
    if (this.state !== "on") return;
    this.#change({ state: "ending" });
    clearInterval(this.naming);
    this.microphone?.getTracks().forEach((track) => track.stop());
    const { pending } = await this.recorder.stop();
    this.#change({ state: "off", pending });
  }

  /** Gives the meeting its title, once the meeting is there. */
  async nameMeeting(meetingId) {
    if (meetingId !== this.meetingId || !this.title) return;
    const { title } = this;
    this.title = "";
    await this.api.json(meetingPath(meetingId), { method: "PATCH", json: { title } }).catch((error) => this.#change({ problem: error.message }));
  }

  /** Sends what pages that are gone have left, with the token that is there now. */
  async resume() {
    const { resumePending } = await this.#script();
    await resumePending({ server: this.server, token: this.api.session.token, ...this.#told() });
  }

  #script() {
    return import(`${this.server}/v1/recorder.js`).catch(() => { throw new Error("The server that takes recordings can't be reached."); });
  }

  #told() {
    return {
      onstate: ({ connection, recording, chunks, pending, waiting }) => {
        if (this.recorder && connection === this.recorder.connection) {
          this.#change({ chunks, pending, waiting });
          if (!recording && this.state === "on") this.stop(); // the microphone was taken away
        } else if (recording && this.state === "starting") this.#change({ chunks, pending, waiting });
        else {
          this.#left.set(connection, pending);
          this.#change({ left: [...this.#left.values()].reduce((sum, each) => sum + each, 0) });
        }
      },
      onproblem: (error) => this.#change({ problem: error.status === 401 || error.status === 403 ? "This token may not record; what was recorded is kept in this browser." : error.message }),
    };
  }

  #change(news) {
    Object.assign(this, news);
    this.dispatchEvent(new Event("change"));
  }
}

/** An id that says when, and is nobody else's. Pure. */
export const newMeetingId = (now, number) => `recording-${now.toISOString().slice(0, 16).replaceAll(":", "")}-${number.toString(36).padStart(7, "0")}`;

const REASONS = {
  NotAllowedError: "The browser may not use the microphone. Allow it for this page and try again.",
  NotFoundError: "There is no microphone.",
  NotReadableError: "The microphone can't be opened; perhaps another program uses it.",
};
