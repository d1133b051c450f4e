/** The text of `text/event-stream`, piece by piece, to events (https://html.spec.whatwg.org/multipage/server-sent-events.html). Pure. */

export class EventStreamParser {
  #rest = "";
  #event = { type: "message", data: [] };
  #ended = "";
  /** The id of the last event that was complete: what to resume after. */
  lastId = "";
  #id = "";

  /** The events that `text` completes: [{ type, data }], data as text. */
  push(text) {
    const events = [];
    let lines = this.#rest + text;
    if (this.#ended === "\r" && lines.startsWith("\n")) lines = lines.slice(1); // a line's end that was cut in two
    this.#ended = "";
    for (let end; (end = /\r\n|\n|\r/.exec(lines)); lines = lines.slice(end.index + end[0].length)) {
      const event = this.#line(lines.slice(0, end.index));
      if (event) events.push(event);
      if (end[0] === "\r" && end.index + 1 === lines.length) this.#ended = "\r";
    }
    this.#rest = lines;
    return events;
  }

  #line(line) {
    if (line === "") return this.#dispatch();
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line);
    if (field === "event") this.#event.type = value || "message";
    if (field === "data") this.#event.data.push(value ?? "");
    if (field === "id" && !value?.includes("\0")) this.#id = value ?? "";
    return null; // comments keep the connection alive and say nothing
  }

  #dispatch() {
    const { type, data } = this.#event;
    this.#event = { type: "message", data: [] };
    this.lastId = this.#id;
    return data.length ? { type, data: data.join("\n") } : null;
  }
}
