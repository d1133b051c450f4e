/** Requests to this server, with the reader's token in the Authorization header. What goes wrong says so in words for people. */

/** `status` 0: no answer came. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const SAID = {
  0: "The server can't be reached. Is the network there?",
  401: "The token is not valid, or not valid any more. Please sign in again.",
  403: "This token does not allow that.",
};

export class Api {
  /** `onrefused` is called when the server does not know the token. */
  constructor(session, onrefused) {
    Object.assign(this, { session, onrefused });
  }

  /** A JSON document. */
  async json(path, options) {
    return (await this.request(path, options)).json();
  }

  /** The answer, if it is a success; otherwise rejects with an `ApiError`, or as `signal` aborts. */
  async request(path, { method = "GET", json, headers = {}, signal } = {}) {
    const { token } = this.session;
    const sent = { Authorization: `Bearer ${token}`, ...(json ? { "Content-Type": "application/json" } : {}), ...headers };
    const body = json && JSON.stringify(json);
    const answer = await fetch(path, { method, headers: sent, body, signal, cache: "no-cache", credentials: "omit", redirect: "error" }).catch((error) => {
      throw error.name === "AbortError" ? error : new ApiError(0, SAID[0]);
    });
    if (answer.ok) return answer;
    const { detail } = await answer.json().catch(() => ({}));
    const error = new ApiError(answer.status, SAID[answer.status] ?? detail ?? `The server answers ${answer.status}.`);
    error.retryAfterS = Number(answer.headers.get("Retry-After")) || 0;
    if (answer.status === 401 && token === this.session.token) this.onrefused(error); // not where another one is there by now
    throw error;
  }
}

/** The path of a meeting, or of something below it. */
export const meetingPath = (meetingId, ...below) => ["/v1/meetings", ...[meetingId, ...below].map(encodeURIComponent)].join("/");
