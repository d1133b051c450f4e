/** The form that asks for a token. */
import { el } from "./dom.js";

/** `onsign(token, lasting)` may reject: the reason is shown. `told` says why it is asked for again. */
export function signInView({ onsign, told = "" }) {
  const token = el("input", { id: "token", name: "token", type: "password", autocomplete: "current-password", required: true, spellcheck: "false", "aria-describedby": "token-help" });
  const lasting = el("input", { id: "lasting", type: "checkbox" });
  const problem = el("p", { class: "problem", role: "alert" }, told);
  const button = el("button", { type: "submit", class: "primary" }, "Sign in");
  const submit = async (event) => {
    event.preventDefault();
    if (!token.value.trim()) return token.focus();
    button.disabled = true;
    problem.textContent = "";
    try {
      await onsign(token.value.trim(), lasting.checked);
    } catch (error) {
      problem.textContent = error.message;
      token.select();
      token.focus();
    }
    button.disabled = false;
  };
  const node = el("div", { class: "sign-in" },
    el("h1", { tabindex: "-1" }, "turnscribe"),
    el("p", { id: "token-help" }, "Transcripts are shown to those who have a token. Your operator gives you one; a local installation prints its own."),
    el("form", { submit },
      el("input", { type: "text", autocomplete: "username", value: "turnscribe", hidden: true, readonly: true }), // for password managers
      el("label", { for: "token" }, "Token"), token,
      el("label", { class: "check" }, lasting, " Remember it on this device"),
      problem, button));
  return { title: "Sign in", node, focus: () => token.focus() };
}
