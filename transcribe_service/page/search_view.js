/** Words looked for in all meetings. */
import { clockTime, localMoment } from "./clock.js";
import { el, problemNote } from "./dom.js";
import { places } from "./find_in_meeting.js";
import { fragment, meetingPlace } from "./router.js";

const LIMIT = 30;

export function searchView({ api }) {
  const words = (fragment("q") ?? "").trim(), ending = new AbortController();
  const list = el("ol", { class: "hits", role: "list" }), state = el("div", { class: "state", role: "status" });
  const more = el("button", { type: "button", hidden: true, click: () => load() }, "More");
  const heading = el("h1", { tabindex: "-1" }, words ? `Search: ${words}` : "Search");
  let cursor = null, last = null;
  if (words) load();
  else state.replaceChildren(el("p", { class: "note" }, "Write above what you are looking for."));
  return { title: heading.textContent, node: el("div", { class: "page" }, heading, state, list, more), close: () => ending.abort() };

  async function load() {
    more.disabled = true;
    if (!last) state.replaceChildren("Searching …");
    try {
      const query = new URLSearchParams({ q: words, limit: LIMIT, ...(cursor ? { cursor } : {}) });
      const { hits, next } = await api.json(`/v1/search?${query}`, { signal: ending.signal });
      for (const hit of hits) {
        if (hit.meeting_id !== last) list.append(el("li", { class: "of-meeting" }, el("h2", {}, hit.title || hit.meeting_id), el("span", { class: "about" }, localMoment(hit.start_at))));
        last = hit.meeting_id;
        list.append(item(hit, words));
      }
      cursor = next;
      more.hidden = !next;
      if (!hits.length && next) return load(); // what was found there is shown no more; there may be others behind it
      state.replaceChildren(...(last ? [] : [el("p", { class: "note" }, "Nothing was found.")]));
    } catch (error) {
      if (!ending.signal.aborted) state.replaceChildren(problemNote(error));
    }
    more.disabled = false;
  }
}

const item = ({ meeting_id, start_ms, speaker, text }, words) => el("li", {},
  el("a", { href: meetingPlace(meeting_id, start_ms), "data-place": true },
    el("span", { class: "about" }, clockTime(start_ms), speaker ? ` ${speaker}` : " Unattributed"), el("span", { class: "snippet" }, ...marked(text, words))));

/** `text` with the words that were looked for marked, where they can be seen in it. */
function marked(text, wanted) {
  const words = text.split(/\s+/u), hit = new Set(wanted.split(/\s+/u).flatMap((each) => places(words, each).flat()));
  return words.flatMap((word, index) => [index ? " " : "", hit.has(index) ? el("mark", {}, word) : word]);
}
