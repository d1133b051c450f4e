/** A meeting's events as they come, over one request after another: each goes on right behind what the one before has brought.
 *
 * By `fetch` and not by EventSource, which can't send a token but in the address, where it would end up in other people's logs.
 */
import { meetingPath } from "./api.js";
import { EventStreamParser } from "./event_stream.js";

const FIRST_PAUSE_MS = 500, LONGEST_PAUSE_MS = 15_000;
const HIDDEN_MS = 60_000; // a tab that nobody looks at gives its connection back: browsers have few for one server, and servers few for readers
const SILENCE_MS = 45_000; // the server says something every 15 s; after three times that, nobody is there

/** Follows until `signal` aborts, or until the server says for good that there is nothing for this reader, which rejects.
 *
 * `onevents` gets what came together: [{ type, data }, …]. `onstate` is told "live", or "waiting" and why, while there is no connection.
 * `isExpected` says whether a meeting that is not there yet will be.
 */
export async function follow(api, meetingId, { signal, onevents, onstate, isExpected = () => false }) {
  let lastId = "", pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    let problem = null;
    try {
      await visible(signal);
      for await (const { events, parser } of pieces(api, meetingId, lastId, signal)) {
        onstate("live");
        if (events.length) onevents(events.map(({ type, data }) => ({ type, data: JSON.parse(data) })));
        lastId = parser.lastId || lastId;
        pauseMs = FIRST_PAUSE_MS;
      }
    } catch (error) {
      if (signal.aborted) return;
      const mayPass = error.status === undefined || error.status === 0 || error.status >= 500 || [408, 429].includes(error.status);
      if (!mayPass && !(error.status === 404 && isExpected())) throw error;
      pauseMs = Math.max(pauseMs, 1000 * (error.retryAfterS ?? 0));
      problem = error;
    }
    if (signal.aborted) return;
    onstate("waiting", problem);
    await pause(pauseMs * (0.5 + Math.random() / 2), signal);
    pauseMs = Math.min(2 * pauseMs, isExpected() ? 2000 : LONGEST_PAUSE_MS);
  }
}

/** One connection's pieces, each with the events that it completes. Ends with the connection. */
async function* pieces(api, meetingId, lastId, signal) {
  const own = new AbortController(), parser = new EventStreamParser(), abort = () => own.abort();
  let watch = setTimeout(abort, SILENCE_MS), hidden = 0;
  const look = () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(abort, HIDDEN_MS);
  };
  signal.addEventListener("abort", abort);
  document.addEventListener("visibilitychange", look, { signal: own.signal });
  try {
    const headers = { Accept: "text/event-stream", ...(lastId ? { "Last-Event-ID": lastId } : {}) };
    const answer = await api.request(meetingPath(meetingId, "live"), { headers, signal: own.signal });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    yield { events: [], parser };
    for (let read; !(read = await reader.read()).done;) {
      clearTimeout(watch);
      watch = setTimeout(abort, SILENCE_MS);
      yield { events: parser.push(read.value), parser };
    }
  } finally {
    clearTimeout(watch);
    clearTimeout(hidden);
    signal.removeEventListener("abort", abort);
    abort();
  }
}

/** Waits until somebody looks at the page, or until the end. */
function visible(signal) {
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      signal.removeEventListener("abort", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
    look();
  });
}

/** Waits; the network's coming back and the end of it all end that early. */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
    signal.addEventListener("abort", done);
  });
}
