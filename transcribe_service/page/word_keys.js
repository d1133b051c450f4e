/** The keyboard's way through the words. All of them are one stop of the Tab key; from there on arrows lead, and Enter plays. */

export class WordKeys {
  #current = null;

  constructor(list, play) {
    this.list = list;
    list.addEventListener("keydown", (event) => {
      if (event.target !== this.#current || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Enter" || event.key === " ") play(this.#current);
      else if (!this.#go(event.key)) return;
      event.preventDefault();
    });
  }

  /** Makes `word` the one that the Tab key reaches, and focuses it where `focused`. */
  move(word, focused) {
    if (this.#current !== word) {
      for (const name of ["tabindex", "role", "aria-label"]) this.#current?.removeAttribute(name);
      this.#current = word;
      word.tabIndex = 0;
      word.setAttribute("role", "button"); // one only: for who listens, the others stay text that reads on
    }
    word.setAttribute("aria-label", `${word.textContent}: play from here`);
    if (focused) word.focus({ preventScroll: true });
  }

  /** After rows have changed: there is always a word that the Tab key reaches. */
  settle() {
    if (this.#current?.isConnected) return this.move(this.#current, false);
    const had = this.#current !== null && document.activeElement === document.body;
    const first = this.list.querySelector(".word");
    this.#current = null;
    if (first) this.move(first, had && false);
  }

  #go(key) {
    const row = this.#current.closest("li"), words = [...row.querySelectorAll(".word")], at = words.indexOf(this.#current);
    const beside = (step) => {
      let other = step < 0 ? row.previousElementSibling : row.nextElementSibling;
      while (other && !other.querySelector(".word")) other = step < 0 ? other.previousElementSibling : other.nextElementSibling;
      return other ? [...other.querySelectorAll(".word")] : [];
    };
    const ways = {
      ArrowRight: () => words[at + 1] ?? beside(1)[0],
      ArrowLeft: () => words[at - 1] ?? beside(-1).at(-1),
      ArrowDown: () => beside(1)[0],
      ArrowUp: () => beside(-1)[0],
      Home: () => words[0],
      End: () => words.at(-1),
    };
    if (!Object.hasOwn(ways, key)) return false;
    const next = ways[key]();
    if (next) {
      this.move(next, true);
      next.scrollIntoView({ block: "nearest" });
    }
    return true;
  }
}
