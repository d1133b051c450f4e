/** What the recording does, at the foot of every view while there is one. */
import { clockTime } from "./clock.js";
import { el, setText } from "./dom.js";
import { LevelMeter } from "./level_meter.js";

const TICK_MS = 500;

export function recorderBar(recording, announcer) {
  const state = el("span", { class: "what" }), problem = el("span", { class: "problem", role: "alert" });
  const stop = el("button", { type: "button", class: "stop", click: () => recording.stop() }, "Stop");
  const close = el("button", { type: "button", class: "quiet", click: () => { node.hidden = true; } }, "Close");
  const meter = new LevelMeter();
  const node = el("section", { class: "bar recorder", "aria-label": "Recording", hidden: true }, el("span", { class: "dot", "aria-hidden": "true" }), state, meter.node, problem, stop, close);
  let was = "off";
  recording.addEventListener("change", () => {
    if (recording.state === "on" && was !== "on") { meter.start(recording.microphone); announcer.say("Recording"); }
    if (recording.state !== "on" && was === "on") { meter.stop(); announcer.say("The recording has ended"); }
    if (recording.state !== was || recording.left || recording.problem) node.hidden = recording.state === "off" && was === "off" && !recording.left && !recording.problem;
    was = recording.state;
    show();
  });
  setInterval(() => { if (recording.state === "on") show(); }, TICK_MS);
  return node;

  function show() {
    node.classList.toggle("on", recording.state === "on");
    stop.hidden = recording.state !== "on";
    close.hidden = recording.state !== "off";
    meter.node.hidden = recording.state !== "on";
    setText(state, describe(recording, performance.now(), navigator.onLine));
    setText(problem, recording.problem);
  }
}

/** In one sentence. Pure. */
export function describe({ state, began, pending, waiting, left, chunks }, nowMs, isOnline) {
  const pieces = (count) => `${count} piece${count === 1 ? "" : "s"}`;
  const kept = !isOnline || waiting ? `${isOnline ? "The server can't be reached" : "Offline"}: ${pieces(pending)} kept here, sent later` : pending > 2 ? `${pieces(pending)} to send` : "";
  if (state === "starting") return "Opening the microphone …";
  if (state === "on") return [`Recording ${clockTime(nowMs - began)}`, kept].filter(Boolean).join(" · ");
  if (state === "ending") return "Sending the last piece …";
  if (pending) return `${pieces(pending)} could not be sent yet. They are kept in this browser and sent when it can.`;
  if (left) return `Sending what an earlier recording has left: ${pieces(left)}`;
  return chunks ? "The recording is complete and sent." : "Everything is sent.";
}
