/** A name that is changed where it stands. */
import { el } from "./dom.js";

/** Puts a form into the place of `button`, and the button back when it is done: Enter saves, Escape leaves all as it was.
 *
 * `save(text)` may reject: the reason is shown and the form stays. An empty text asks for the original name where `mayBeEmpty`.
 */
export function renameInPlace(button, { label, value, save, mayBeEmpty = false }) {
  const input = el("input", { type: "text", "aria-label": label, maxlength: "200", value, placeholder: mayBeEmpty ? "as it was uploaded" : null, autocomplete: "off", spellcheck: "false" });
  const problem = el("span", { class: "problem", role: "alert" });
  const submit = async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text === value.trim() || (!text && !mayBeEmpty)) return close();
    input.disabled = true;
    try {
      await save(text);
      close();
    } catch (error) {
      problem.textContent = error.message;
      input.disabled = false;
      input.focus();
    }
  };
  const form = el("form", {
    class: "rename", submit, click: (event) => event.stopPropagation(),
    keydown: (event) => { if (event.key === "Escape") { event.preventDefault(); close(); } },
  }, input, el("button", { type: "submit" }, "Save"), el("button", { type: "button", class: "quiet", click: () => close() }, "Cancel"), problem);
  const close = () => {
    form.replaceWith(button);
    button.focus({ preventScroll: true });
  };
  button.replaceWith(form);
  input.focus();
  input.select();
}
