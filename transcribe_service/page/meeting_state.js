/** What is known of a meeting, from its events. Pure: the views are told what to show. */

export class MeetingState {
  /** The status, as `GET /v1/meetings/{id}` tells it; null until it came. */
  meeting = null;
  #segments = new Map();

  /** Takes in one event of `/v1/meetings/{id}/live`. */
  apply({ type, data }) {
    if (type === "meeting") this.meeting = data;
    if (type === "segment") this.#segments.set(data.segment_id, data);
    if (type === "removed") this.#segments.delete(data.segment_id);
    if (type === "reset") this.#segments.clear();
  }

  /** What was said, in order of time: [{ key, segment, utterance }]. Who compares: objects stay the same until their segment changes. */
  get said() {
    const all = [];
    for (const segment of this.#segments.values()) {
      segment.said ??= segment.utterances.map((utterance, index) => ({ key: `${segment.segment_id}#${index}`, segment, utterance }));
      all.push(...segment.said);
    }
    const order = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
    return all.sort((one, other) => one.utterance.start_ms - other.utterance.start_ms || order(one.segment.connection_id, other.segment.connection_id)
      || order(one.key, other.key));
  }

  /** Segments whose sound can be heard, in order of time. */
  get audible() {
    const finals = [...this.#segments.values()].filter((segment) => segment.final && segment.utterances.length > 0);
    return finals.sort((one, other) => one.start_ms - other.start_ms);
  }

  /** Where sound is missing, on the meeting's clock: [{ key, start_ms, end_ms }]. Gaps are told in their own stream's time. */
  get gaps() {
    const shift = new Map();
    for (const { connection_id, segment_id, start_ms } of this.#segments.values()) {
      shift.set(connection_id, start_ms - Number(segment_id.slice(segment_id.lastIndexOf(":") + 1)));
    }
    return (this.meeting?.streams ?? []).flatMap(({ connection_id, gaps }) => gaps.map(({ from_seq, start_ms, end_ms }) => {
      const by = shift.get(connection_id) ?? 0;
      return { key: `gap ${connection_id} ${from_seq}`, start_ms: start_ms + by, end_ms: end_ms + by };
    }));
  }

  get isOpen() {
    return !this.meeting || this.meeting.streams.some(({ state }) => state === "open");
  }

  /** How far the transcript is, in one sentence. */
  get progress() {
    if (!this.meeting) return "Loading …";
    const { streams, complete } = this.meeting;
    if (this.isOpen) return "Live";
    if (complete) return "Complete";
    const stored = streams.reduce((sum, each) => sum + each.segments, 0), expected = streams.reduce((sum, each) => sum + (each.segments_expected ?? 0), 0);
    return `Being transcribed: ${stored} of ${expected} segments`;
  }

  /** What readers must know of what is not in the transcript. */
  get losses() {
    const sum = (name) => (this.meeting?.streams ?? []).reduce((all, each) => all + (each[name] ?? 0), 0);
    const refused = sum("segments_refused"), unreadable = sum("quarantined"), told = [];
    const invented = (this.meeting?.streams ?? []).flatMap(({ words_dropped }) => Object.values(words_dropped ?? {})).reduce((all, each) => all + each, 0);
    if (refused) told.push(`${refused === 1 ? "One segment" : `${refused} segments`} could not be transcribed.`);
    if (unreadable) told.push(`${unreadable === 1 ? "One piece" : `${unreadable} pieces`} of the recording could not be read.`);
    if (invented) told.push(`${invented === 1 ? "One word was" : `${invented} words were`} left out, since they seem invented rather than heard.`);
    return told.join(" ");
  }
}
