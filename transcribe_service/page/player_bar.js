/** The player's controls, at the foot of the page while there is something to hear. */
import { clockTime } from "./clock.js";
import { el, setText } from "./dom.js";

const RATES = [0.75, 1, 1.25, 1.5, 2], SKIP_MS = 5000;

/** Controls for `player`; hidden until it plays for the first time. `speakerAt(ms)` names who is heard. */
export function playerBar(player) {
  const toggle = el("button", { class: "play", type: "button", "aria-label": "Play", click: () => player.toggle() }, "▶");
  const back = el("button", { class: "quiet", type: "button", "aria-label": "5 seconds back", click: () => player.play(Math.max(0, player.ms - SKIP_MS)) }, "−5 s");
  const on = el("button", { class: "quiet", type: "button", "aria-label": "5 seconds on", click: () => player.play(player.ms + SKIP_MS) }, "+5 s");
  const time = el("span", { class: "position" }, "0:00"), said = el("span", { class: "heard" }), problem = el("span", { class: "problem", role: "alert" });
  const rate = el("select", { "aria-label": "Speed", change: () => { player.rate = Number(rate.value); } },
    ...RATES.map((value) => el("option", { value, selected: value === 1 }, `${value}×`)));
  const node = el("section", { class: "bar player", "aria-label": "Player", hidden: true }, back, toggle, on, time, said, problem, rate);
  player.addEventListener("change", () => {
    node.hidden = false;
    setText(problem, "");
    setText(toggle, player.isPlaying ? "❚❚" : "▶");
    toggle.setAttribute("aria-label", player.isPlaying ? "Pause" : "Play");
  });
  player.addEventListener("time", () => setText(time, clockTime(player.ms)));
  player.addEventListener("problem", ({ error }) => { node.hidden = false; setText(problem, error.message); });
  return { node, tell: (text) => setText(said, text) };
}
