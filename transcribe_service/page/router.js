/** Which view stands at which address of this page. */

const PLACES = [
  [/^\/(?:app\/?)?$/, "meetings"],
  [/^\/app\/record$/, "record"],
  [/^\/app\/search$/, "search"],
  [/^\/app\/meetings\/([^/]+)$/, "meeting"],
];

/** The view's name and, for a meeting, its id; the list of meetings for what is no place. Pure. */
export function placeOf(path) {
  for (const [pattern, name] of PLACES) {
    const match = pattern.exec(path);
    if (match) return { name, meetingId: match[1] && decodeURIComponent(match[1]) };
  }
  return { name: "meetings" };
}

/** The address of a meeting, or of a moment in it. */
export const meetingPlace = (meetingId, ms) => `/app/meetings/${encodeURIComponent(meetingId)}${ms === undefined ? "" : `#ms=${Math.max(0, Math.round(ms))}`}`;

/** What the fragment says under `name`. Words that people look for stand there, since it never leaves the browser. */
export const fragment = (name) => new URLSearchParams(location.hash.slice(1)).get(name);

export class Router {
  /** `show(place)` is called for the first place, and for every later one. */
  constructor(show) {
    this.show = show;
    addEventListener("popstate", () => this.#arrive());
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-place]");
      if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // another tab is the browser's business
      event.preventDefault();
      this.go(link.getAttribute("href"));
    });
  }

  /** Goes to an address of this page. */
  go(address) {
    history.pushState(null, "", address);
    this.#arrive();
  }

  #arrive() {
    this.show(placeOf(location.pathname));
  }
}
