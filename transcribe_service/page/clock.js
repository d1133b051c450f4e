/** Times as people read them. Pure. */

/** Milliseconds as `m:ss`, or `h:mm:ss` from an hour on. */
export function clockTime(ms) {
  const all = Math.max(0, Math.floor(ms / 1000)), hours = Math.floor(all / 3600);
  const minutes = Math.floor(all / 60) % 60, seconds = String(all % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

/** Milliseconds in words, for those who listen. */
export function spokenTime(ms) {
  const all = Math.max(0, Math.round(ms / 1000));
  const parts = [[Math.floor(all / 3600), "hour"], [Math.floor(all / 60) % 60, "minute"], [all % 60, "second"]].filter(([count]) => count);
  return parts.map(([count, unit]) => `${count} ${unit}${count === 1 ? "" : "s"}`).join(" ") || "0 seconds";
}

/** How long, short: `48 s`, `12 min`, `1 h 5 min`. */
export function shortLength(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60), hours = Math.floor(minutes / 60);
  return hours ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
}

/** A moment in the reader's own zone and language; empty where it is none. */
export function localMoment(at) {
  const moment = new Date(at ?? NaN);
  return Number.isNaN(moment.getTime()) ? "" : moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
