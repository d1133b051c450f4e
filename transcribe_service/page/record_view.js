/** Where a recording begins; what it becomes is the meeting's own view. */
import { el, problemNote } from "./dom.js";
import { meetingPlace } from "./router.js";

export function recordView({ recording, router }) {
  const title = el("input", { id: "new-title", type: "text", maxlength: "200", autocomplete: "off", placeholder: "Weekly meeting" });
  const name = el("input", { id: "own-name", type: "text", maxlength: "100", autocomplete: "name", "aria-describedby": "own-name-help" });
  const start = el("button", { type: "submit", class: "primary" }, "Start recording");
  const state = el("div", { class: "state" });
  const submit = async (event) => {
    event.preventDefault();
    start.disabled = true;
    state.replaceChildren();
    try {
      router.go(meetingPlace(await recording.start({ title: title.value.trim(), name: name.value.trim() })));
    } catch (error) {
      state.replaceChildren(problemNote(error));
    }
    start.disabled = false;
  };
  const form = recording.state === "off" ? el("form", { class: "fields", submit },
    el("label", { for: "new-title" }, "Title, if you like"), title,
    el("label", { for: "own-name" }, "Your name, if only you speak"), name,
    el("p", { class: "help", id: "own-name-help" }, "Left empty, nobody’s name is guessed: the transcript says that it is unattributed."),
    start, state)
    : el("p", {}, "A recording is going on. ", el("a", { href: recording.meetingId ? meetingPlace(recording.meetingId) : "/", "data-place": true }, "Go to it"));
  const node = el("div", { class: "page narrow" }, el("h1", { tabindex: "-1" }, "Record"),
    el("p", {}, "The microphone is recorded into a new meeting, and what it hears appears there as it is said. Without a network the recording is kept in this browser until it can be sent."), form);
  return { title: "Record", node };
}
