/** The transcript as a file, in the formats that the server writes. */
import { meetingPath } from "./api.js";
import { el } from "./dom.js";

const FORMATS = [["Text", "text", "txt"], ["SubRip captions (SRT)", "srt", "srt"], ["WebVTT captions", "vtt", "vtt"], ["JSON, with every word", "json", "json"]];
const KEPT_MS = 60_000; // long enough for the browser to begin writing

/** A menu that downloads the meeting's transcript. `name()` is the meeting's, for the file. */
export function exportMenu(api, meetingId, name) {
  const problem = el("p", { class: "problem", role: "alert" });
  const node = el("details", { class: "menu" }, el("summary", {}, "Export"), el("div", { class: "choices" },
    ...FORMATS.map(([label, format, ending]) => el("button", { type: "button", click: () => download(format, ending) }, label)), problem));
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !node.open) return;
    node.open = false;
    node.querySelector("summary").focus();
  });
  node.addEventListener("focusout", ({ relatedTarget }) => { if (relatedTarget && !node.contains(relatedTarget)) node.open = false; });
  return node;

  async function download(format, ending) {
    problem.textContent = "";
    try {
      const answer = await api.request(`${meetingPath(meetingId, "transcript")}?${new URLSearchParams({ format })}`);
      const url = URL.createObjectURL(await answer.blob());
      el("a", { href: url, download: `${fileName(name())}.${ending}` }).click();
      setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
      node.open = false;
      node.querySelector("summary").focus();
    } catch (error) {
      problem.textContent = error.message;
    }
  }
}

/** A name that every file system takes. */
export const fileName = (name) => name.replace(/[\p{Cc}\p{Cf}<>:"/\\|?*]+/gu, " ").trim().replace(/^\.+|\.+$/g, "").slice(0, 100) || "transcript";
