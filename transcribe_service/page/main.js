/** Where the page begins: who reads, and which view stands at the address. */
import { Announcer } from "./announcer.js";
import { Api } from "./api.js";
import { meetingView } from "./meeting_view.js";
import { meetingsView } from "./meetings_view.js";
import { recordView } from "./record_view.js";
import { recorderBar } from "./recorder_bar.js";
import { Recording } from "./recording.js";
import { fragment, placeOf, Router } from "./router.js";
import { searchView } from "./search_view.js";
import { Session } from "./session.js";
import { signInView } from "./sign_in.js";

const VIEWS = { meetings: meetingsView, meeting: meetingView, record: recordView, search: searchView };
const at = (id) => document.getElementById(id);

const session = new Session(), announcer = new Announcer(at("announcer"));
const api = new Api(session, (error) => { session.forget(); askForToken(error.message); });
const server = document.querySelector("meta[name=ingest]").content || location.origin;
const recording = new Recording(api, server);
const router = new Router(show);
const words = at("search-words");
let view = null, shown = null;

at("bars").append(recorderBar(recording, announcer));
at("skip").addEventListener("click", (event) => { event.preventDefault(); at("main").focus(); at("main").scrollIntoView(); });
at("sign-out").addEventListener("click", () => { session.forget(); askForToken(""); });
at("search").addEventListener("submit", (event) => {
  event.preventDefault();
  if (words.value.trim()) router.go(`/app/search#${new URLSearchParams({ q: words.value.trim() })}`);
});
addEventListener("hashchange", () => { if (session.takeHanded()) begin(); });
if (session.token) begin();
else askForToken("");

/** The reader has a token. */
function begin() {
  show(placeOf(location.pathname), false);
  recording.resume().catch(() => {}); // told where one wants to record
}

function show(place, moves = true) {
  if (!session.token) return;
  const address = location.pathname;
  if (place.name === "meeting" && address === shown && view?.hears) return view.hears(); // another moment of the same meeting
  shown = address;
  at("top").hidden = false;
  if (place.name === "search") words.value = fragment("q") ?? "";
  put(VIEWS[place.name]({ api, recording, announcer, router, bars: at("bars"), ...place }), moves);
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === address) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function askForToken(told) {
  shown = null;
  at("top").hidden = true;
  put(signInView({ told, onsign: async (token, lasting) => {
    session.token = token;
    const answer = await fetch("/v1/meetings?limit=1", { headers: { Authorization: `Bearer ${token}` }, credentials: "omit" }).catch(() => null);
    if (!answer?.ok) {
      session.forget();
      throw await refusal(answer);
    }
    session.keep(token, lasting);
    begin();
  } }), true);
}

/** Why nobody was let in: asked without `api`, which would ask for a token once more. */
async function refusal(answer) {
  if (!answer) return new Error("The server can't be reached. Is the network there?");
  const said = { 401: "The server does not know this token, or it is not valid any more.", 403: "This token may not read transcripts." };
  return new Error(said[answer.status] ?? `The server answers ${answer.status}.`);
}

/** Puts a view into the page. Where the reader `moves`, they begin at its heading. */
function put(next, moves) {
  view?.close?.();
  view = next;
  document.title = `${next.title} – turnscribe`;
  at("main").replaceChildren(next.node);
  if (!moves) return;
  scrollTo(0, 0);
  if (next.focus) next.focus();
  else next.node.querySelector("h1").focus({ preventScroll: true });
}
