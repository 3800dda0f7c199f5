// A field for a password, which its owner may look at while typing.
import { h } from "./dom.js";
import { field } from "./form.js";
import { t } from "./texts.js";

/** The field. A new password is a "new-password" to the browser, one that is known a "current-password". */
export function password(label, name, kind, hint) {
  const control = h("input", { type: "password", name, required: true, autocomplete: kind, autocapitalize: "none", spellcheck: "false" });
  const whole = field(label, control, hint);
  const look = h("button", { type: "button", class: "plain", "aria-pressed": "false", "aria-controls": control.id }, t("common.show_password"));
  look.addEventListener("click", () => {
    const shown = control.type === "text";
    control.type = shown ? "password" : "text";
    look.setAttribute("aria-pressed", String(!shown));
  });
  control.after(look);
  return whole;
}
