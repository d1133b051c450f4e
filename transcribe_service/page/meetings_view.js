/** All meetings, the newest first, a page at a time. */
import { localMoment } from "./clock.js";
import { el, problemNote } from "./dom.js";
import { meetingPlace } from "./router.js";

const LIMIT = 30;

export function meetingsView({ api }) {
  const list = el("ol", { class: "meetings", role: "list" });
  const state = el("div", { class: "state", role: "status" }, "Loading …");
  const more = el("button", { type: "button", hidden: true, click: () => load() }, "More");
  const ending = new AbortController();
  let cursor = null;
  load();
  return { title: "Meetings", node: el("div", { class: "page" }, el("h1", { tabindex: "-1" }, "Meetings"), list, state, more), close: () => ending.abort() };

  async function load() {
    more.disabled = true;
    try {
      const query = new URLSearchParams({ limit: LIMIT, ...(cursor ? { cursor } : {}) });
      const { meetings, next } = await api.json(`/v1/meetings?${query}`, { signal: ending.signal });
      const had = list.children.length;
      list.append(...meetings.map(item));
      cursor = next;
      more.hidden = !next;
      state.replaceChildren(...(list.children.length ? [] : [nothingYet()]));
      if (had) list.children[had]?.querySelector("a").focus();
    } catch (error) {
      if (ending.signal.aborted) return;
      state.replaceChildren(problemNote(error), el("button", { type: "button", click: () => { state.replaceChildren("Loading …"); load(); } }, "Try again"));
    }
    more.disabled = false;
  }
}

const item = ({ meeting_id, title, opened_at, state }) => el("li", {},
  el("a", { href: meetingPlace(meeting_id), "data-place": true }, title || meeting_id),
  el("span", { class: "about" }, el("time", { datetime: opened_at }, localMoment(opened_at)), state === "open" ? el("span", { class: "badge on" }, "Live") : null));

const nothingYet = () => el("p", { class: "note" }, "No meeting yet. ", el("a", { href: "/app/record", "data-place": true }, "Record one"), ", or send audio to the server.");
