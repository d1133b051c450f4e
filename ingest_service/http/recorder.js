/**
 * Records the microphone for turnscribe, and loses nothing when the network, the server or the page goes away.
 *
 * What is recorded lies in the browser's database until the server has it. A page that is reloaded or crashes loses at most the chunk that
 * was not finished; the rest is sent and ended by the next `record` or `resumePending` on the same origin, with the token given then.
 *
 * onstate({ connection, recording, chunks, pending, waiting }): chunks recorded so far; requests to be sent, the end included; whether the
 * last one failed and comes again. onproblem(error): what does not pass by itself; `error.status`: the server refused, so all is only kept.
 */
const FIRST_PAUSE_MS = 500, LONGEST_PAUSE_MS = 15_000, ANSWER_MS = 60_000;
const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"]; // what browsers can record, the best one first

/** Begins to record. Rejects without a microphone, the permission to use it, a database, or locks (in browsers before 2022). */
export async function record({ server, token, meetingId, chunkMs = 3000, onstate, onproblem }) {
  const row = { connection: crypto.randomUUID(), server: base(server), meetingId, items: 0, chunks: 0, observations: 0, ended: false };
  const outbox = new Outbox(row, { token, onstate, onproblem });
  await alone(row.connection, () => transact("readonly", (recordings) => recordings.count())); // fails now, or not at all
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  const media = new MediaRecorder(microphone, { mimeType: TYPES.find((type) => MediaRecorder.isTypeSupported(type)) });
  media.ondataavailable = ({ data }) => data.size > 0 && outbox.keep({ // Chromium's last one may be empty
    method: "PUT", path: `chunks/${row.chunks++}`, query: { captured_at_ms: Date.now() }, type: media.mimeType, body: data.arrayBuffer(),
  });
  media.onerror = ({ error }) => outbox.tell(error);
  const stopped = next(media, "stop").then(() => { // after the last chunk; also where the microphone is taken away
    microphone.getTracks().forEach((track) => track.stop());
    row.ended = true;
    return outbox.keep();
  });
  media.start(chunkMs);
  alone(row.connection, () => outbox.deliver().then(() => stopped)); // before the first chunk tells other pages of it
  resumePending({ server, token, onstate, onproblem }).catch((error) => outbox.tell(error));
  return {
    connection: row.connection,
    /** Who spoke in the second that ends now: [[name, ten digits], …], 1 = speaking, one for each tenth of it. */
    async speakers(masks) {
      if (row.ended) throw new Error("the recording has ended");
      row.observations++;
      await outbox.keep(post("speakers", { ts_ms: Date.now(), bit_ms: 100, masks }));
    },
    /** Resolves once all is sent (`pending` 0), or with what is `pending` while nobody takes it; that goes on by itself. */
    async stop() {
      if (media.state !== "inactive") media.stop();
      await stopped;
      while (outbox.pending && !outbox.waiting && !outbox.refused) await next(outbox, "change");
      return { connection: row.connection, pending: outbox.pending };
    },
  };
}

/** Sends what pages that are gone have left for this server. Resolves to [{ connection, pending }, …] when no more can be done. */
export async function resumePending({ server, token, onstate, onproblem }) {
  const found = (await transact("readonly", (recordings) => recordings.getAll())).filter((row) => row.server === base(server));
  return Promise.all(found.map(({ connection }) => alone(connection, async () => { // waits while its page is open
    const row = await transact("readonly", (recordings) => recordings.get(connection));
    if (!row) return { connection, pending: 0 };
    const outbox = new Outbox({ ...row, ended: true }, { token, onstate, onproblem });
    outbox.unsent = await transact("readonly", (_, items) => items.count(itemsOf(connection)));
    await outbox.deliver();
    return { connection, pending: outbox.pending };
  })));
}

/** The requests of one recording: first into the database, from there in order to the server. */
class Outbox extends EventTarget {
  constructor(row, { token, onstate = () => {}, onproblem = console.error }) {
    super();
    Object.assign(this, { row, token, unsent: 0, waiting: false, pauseMs: FIRST_PAUSE_MS, keeping: Promise.resolve() });
    this.memory = []; // what the database has no room for; all of it is newer than what is there
    this.addEventListener("change", ({ state }) => onstate(state)); // what a page's own functions throw stops nothing here
    this.tell = (error) => queueMicrotask(() => onproblem(error));
  }

  get pending() { return this.unsent + (this.row.ended && !this.delivered ? 1 : 0); }
  change(news) {
    const { pending, waiting, row: { connection, ended, chunks } } = Object.assign(this, news);
    this.dispatchEvent(Object.assign(new Event("change"), { state: { connection, recording: !ended, chunks, pending, waiting } }));
  }

  /** Makes a request durable, and the recording's row with it; each after the one before, since a chunk's bytes may take their time. */
  keep(item) {
    if (item) this.unsent++;
    this.keeping = this.keeping.then(async () => {
      const { row, memory } = this, kept = item && { ...item, body: await item.body, key: [row.connection, row.items++] };
      const put = (recordings, items) => [recordings.put(row, row.connection), kept && items.put(kept, kept.key)];
      const stored = memory.length === 0 && transact("readwrite", put).then(() => true, (error) => this.tell(error));
      if (!(await stored) && kept) memory.push(kept); // it is sent all the same, but does not outlive the page
    }).catch((error) => { this.unsent--; this.tell(error); }).then(() => this.change()); // bytes that can't be read are a gap
    return this.keeping;
  }

  /** Sends in order until the recording has ended and all is sent, or the server refuses. */
  async deliver() {
    while (!this.refused && !this.delivered) {
      await this.#sendNext().catch((error) => { this.tell(error); return this.#backOff(); }); // an error of the database
    }
  }

  async #sendNext() {
    const change = next(this, "change"), { connection, server, meetingId, ended } = this.row; // before looking, to miss none
    if (ended) await this.keeping;
    const item = (await transact("readonly", (_, items) => items.get(itemsOf(connection)))) ?? this.memory[0];
    if (!item && !ended) return change;
    const { method, path, query, type, body } = item ?? post("end", { last_seq: this.row.chunks - 1, observations: this.row.observations });
    const url = `${server}/v1/streams/${connection}/${path}?${new URLSearchParams({ meeting_id: meetingId, ...query })}`;
    const headers = { Authorization: `Bearer ${this.token}`, "Content-Type": type };
    const answer = await fetch(url, { method, headers, body, signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => null); // null: none
    if (!answer || answer.status >= 500 || [408, 429].includes(answer.status)) return this.#backOff(answer);
    if (!answer.ok) {
      const { detail } = await answer.json().catch(() => ({}));
      this.tell(Object.assign(new Error(detail ?? `the server answers ${answer.status}`), { status: answer.status, connection }));
      if (path !== "speakers" || answer.status !== 400) return this.change({ refused: true, waiting: false });
      this.row.observations--; // wrong masks must not hold the audio up
    }
    await transact("readwrite", (recordings, items) => (item ? items.delete(item.key) : recordings.delete(connection)));
    if (item === this.memory[0]) this.memory.shift();
    return this.change({ unsent: this.unsent - (item ? 1 : 0), delivered: !item, waiting: false, pauseMs: FIRST_PAUSE_MS });
  }

  /** Waits longer each time, and as long as the server asks for; the network's coming back ends it. */
  async #backOff(answer) {
    this.change({ waiting: true });
    const ms = Math.max(1000 * Number(answer?.headers.get("Retry-After") ?? 0) || 0, this.pauseMs * (0.5 + Math.random()));
    const isBack = await Promise.race([next(globalThis, "online"), new Promise((resolve) => { setTimeout(resolve, ms); })]);
    this.pauseMs = isBack ? FIRST_PAUSE_MS : Math.min(2 * this.pauseMs, LONGEST_PAUSE_MS);
  }
}

const base = (server) => server.replace(/\/+$/, "");
const post = (path, body) => ({ method: "POST", path, type: "application/json", body: JSON.stringify(body) });
const itemsOf = (connection) => IDBKeyRange.bound([connection, 0], [connection, Infinity]);
const next = (target, type) => new Promise((resolve) => { target.addEventListener(type, resolve, { once: true }); });
const alone = (connection, work) => navigator.locks.request(`turnscribe ${connection}`, work); // a page that is gone holds no lock
let opened;

/** Resolves to what a transaction has asked for, once it is on the disk. */
async function transact(mode, work) {
  opened ??= new Promise((resolve, reject) => {
    const opening = indexedDB.open("turnscribe", 1);
    opening.onupgradeneeded = () => ["recordings", "items"].forEach((name) => opening.result.createObjectStore(name));
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const transaction = (await opened).transaction(["recordings", "items"], mode, { durability: "strict" });
  return new Promise((resolve, reject) => {
    const request = work(transaction.objectStore("recordings"), transaction.objectStore("items"));
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onabort = () => reject(transaction.error ?? new Error("the database was closed"));
  });
}
