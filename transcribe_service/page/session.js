/** The reader's token: for as long as the tab lives, or longer where they asked for it. It never stands in an address that is requested. */

const KEY = "turnscribe.token";

export class Session {
  /** What is kept, or what the fragment of the address hands over (`#token=…`), which is taken off at once. */
  constructor() {
    this.token = sessionStorage.getItem(KEY) || localStorage.getItem(KEY) || "";
    this.takeHanded();
  }

  /** Keeps a token that the address hands over now; whether there was one. */
  takeHanded() {
    const handed = this.#takeFromAddress();
    if (handed) this.keep(handed, false);
    return Boolean(handed);
  }

  /** Keeps a token; `lasting`: beyond this tab. */
  keep(token, lasting) {
    this.token = token;
    sessionStorage.setItem(KEY, token);
    if (lasting) localStorage.setItem(KEY, token);
  }

  /** Forgets it everywhere. */
  forget() {
    this.token = "";
    sessionStorage.removeItem(KEY);
    localStorage.removeItem(KEY);
  }

  #takeFromAddress() {
    const fragment = new URLSearchParams(location.hash.slice(1)), token = fragment.get("token");
    if (token === null) return "";
    fragment.delete("token");
    const rest = fragment.toString();
    history.replaceState(null, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
    return token.trim();
  }
}
