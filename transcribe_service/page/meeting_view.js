/** One meeting, live or read afterwards. */
import { meetingPath } from "./api.js";
import { localMoment } from "./clock.js";
import { el, problemNote, setText } from "./dom.js";
import { exportMenu } from "./export_menu.js";
import { FindInMeeting } from "./find_in_meeting.js";
import { Following } from "./following.js";
import { LaneChart } from "./lane_chart.js";
import { follow } from "./live_feed.js";
import { MeetingState } from "./meeting_state.js";
import { Player } from "./player.js";
import { playerBar } from "./player_bar.js";
import { renameInPlace } from "./rename.js";
import { fragment } from "./router.js";
import { keyOf, Speakers } from "./speakers.js";
import { TranscriptView } from "./transcript_view.js";

const SETTLED_MS = 600; // so long after a beginning, or a beginning anew, all that was there before has come
const AUDIBLE_LATER = "This is still being transcribed; it can be heard once it is final.";

export function meetingView({ api, meetingId, recording, announcer, bars }) {
  const state = new MeetingState(), speakers = new Speakers(), ending = new AbortController(), { signal } = ending;
  const player = new Player(api, meetingId, () => state.audible), bar = playerBar(player);
  const title = el("h1", { tabindex: "-1" }, meetingId), progress = el("span", { class: "badge" }, "Loading …"), moment = el("time", {});
  const connection = el("span", { class: "connection", role: "status" }), losses = el("p", { class: "note" }), news = el("div", { class: "state" }, "Loading …");
  const renameTitle = el("button", { type: "button", class: "quiet", click: () => renameInPlace(renameTitle, {
    label: "Title of the meeting", value: state.meeting?.title ?? "", mayBeEmpty: true, save: (text) => change({ title: text || null }),
  }) }, "Rename");
  const transcript = new TranscriptView({ speakers, onplay: play, onrename: renameSpeaker });
  const lanes = new LaneChart({ speakers, onrename: renameSpeaker, ongo: go });
  const find = new FindInMeeting(transcript);
  const toEnd = el("button", { type: "button", class: "to-end", hidden: true, click: () => following.start() }, "Follow what is said ↓");
  const following = new Following({ signal, onchange: (isOn) => { toEnd.hidden = isOn || !state.isOpen; } });
  const node = el("div", { class: "page meeting" },
    el("header", { class: "about-meeting" }, el("div", { class: "title" }, title, renameTitle), el("p", { class: "about" }, progress, moment, connection)),
    lanes.node, el("div", { class: "tools" }, find.node, exportMenu(api, meetingId, () => state.meeting?.title || meetingId)),
    losses, transcript.node, news, toEnd);
  let isSettled = false, settling = null, drawing = null, wished = fragment("ms");
  lanes.node.hidden = true;
  transcript.node.setAttribute("aria-busy", "true");
  bars.append(bar.node);
  player.addEventListener("time", heard);
  player.addEventListener("change", () => { if (!player.isPlaying) transcript.mark(null, 0); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) draw(); }, { signal });
  settle();
  follow(api, meetingId, {
    signal, onevents: take, isExpected: () => recording.meetingId === meetingId && !state.meeting,
    onstate: (told, error) => setText(connection, told === "live" ? "" : !state.meeting && recording.meetingId === meetingId ? "Waiting for the first words …"
      : `${error && error.status ? error.message : "Connection lost."} Trying again …`),
  }).catch((error) => {
    setText(connection, "");
    news.replaceChildren(problemNote(error.status === 404 ? new Error("There is no such meeting.") : error));
  });
  return { title: meetingId, node, close, hears: () => { wished = fragment("ms"); goToWish(); } };

  function take(events) {
    for (const event of events) {
      if (event.type === "deleted") return gone();
      if (event.type === "reset") settle();
      state.apply(event);
      if (event.type === "meeting") recording.nameMeeting(meetingId);
    }
    if (settling) settle(); // more of what was there before is coming
    else draw();
  }

  /** Waits until what was there before has come: it is shown at once, and not read out. */
  function settle() {
    settling ??= { since: performance.now() };
    clearTimeout(settling.timer);
    settling.timer = setTimeout(() => {
      settling = null;
      draw();
    }, performance.now() - settling.since > 5 * SETTLED_MS ? 0 : SETTLED_MS);
    if (!isSettled && state.meeting) draw();
  }

  /** At most once for each picture of the screen. */
  function draw() {
    drawing ??= requestAnimationFrame(() => {
      drawing = null;
      if (signal.aborted) return;
      if (isSettled && settling) showNames(); // the rest stays as it was until all of it has come anew
      else show();
    });
  }

  function show() {
    const { said, gaps, meeting } = state;
    showNames();
    setText(progress, state.progress);
    progress.classList.toggle("on", Boolean(meeting) && state.isOpen);
    setText(moment, localMoment(meeting?.opened_at));
    setText(losses, state.losses);
    losses.hidden = !state.losses;
    lanes.show(said, gaps);
    transcript.show(said, gaps);
    find.refresh();
    if (meeting) news.replaceChildren(...(said.length ? [] : [el("p", { class: "note" }, state.isOpen ? "Nothing was said yet." : meeting.complete ? "Nothing was said." : "Nothing is transcribed yet.")]));
    announcer.speech(said, speakers, keyOf, !isSettled || settling !== null);
    following.mayResume = state.isOpen;
    if (!isSettled && !settling && meeting) begin();
    if (!state.isOpen && following.isOn && !recordingHere()) following.stop();
    following.grown();
  }

  function showNames() {
    const name = state.meeting?.title || meetingId, { names } = speakers;
    speakers.names = state.meeting?.speaker_names ?? {};
    if (state.meeting) document.title = `${name} – turnscribe`;
    setText(title, name);
    if (JSON.stringify(names) === JSON.stringify(speakers.names)) return; // thousands of rows
    transcript.rename();
    lanes.rename();
  }

  /** Once, when the meeting is there: to what the address names, or to the end of what is going on. */
  function begin() {
    isSettled = true;
    transcript.node.removeAttribute("aria-busy");
    if (!goToWish() && state.isOpen) following.start();
  }

  function goToWish() {
    if (wished === null || !transcript.reveal(Number(wished))) return false;
    lanes.at(Number(wished));
    following.stop();
    wished = null;
    return true;
  }

  function go(ms) {
    following.stop();
    transcript.reveal(ms);
    if (player.isPlaying) player.play(ms);
  }

  function play({ segment, utterance }, index) {
    bar.node.hidden = false;
    if (!segment.final) return bar.tell(AUDIBLE_LATER);
    following.stop();
    player.play(utterance.words[index]?.start_ms ?? utterance.start_ms, segment);
  }

  function heard() {
    const { ms, now } = player, utterance = player.isPlaying ? transcript.mark(now.segment_id, ms) : null;
    lanes.at(ms);
    if (utterance) bar.tell(speakers.nameOf(keyOf(utterance)));
  }

  function renameSpeaker(button, key) {
    const keys = speakers.keysLike(key);
    renameInPlace(button, {
      label: `New name for ${speakers.nameOf(key)}`, value: speakers.nameOf(key), mayBeEmpty: true,
      save: (text) => change({ speaker_names: Object.fromEntries(keys.map((each) => [each, text || null])) }),
    });
  }

  async function change(json) {
    const changed = await api.json(meetingPath(meetingId), { method: "PATCH", json });
    state.apply({ type: "meeting", data: { ...state.meeting, ...changed } });
    draw();
  }

  function gone() {
    close();
    node.replaceChildren(title, el("p", { class: "note", role: "status" }, "This meeting was deleted."));
  }

  function recordingHere() {
    return recording.state !== "off" && recording.meetingId === meetingId;
  }

  function close() {
    ending.abort();
    clearTimeout(settling?.timer);
    player.close();
    bar.node.remove();
  }
}
