// Forms name their mistakes beside the field and keep what was typed.
import { api, Problem } from "./api.js";
import { fill, h, tell } from "./dom.js";
import { has, t } from "./texts.js";

let fields = 0;

/** A field with its label, a hint and room for its mistake. The control's name is the pointer of the API without its first slash. */
export function field(label, control, hint) {
  control.id ||= "field-" + ++fields;
  const help = hint && h("span", { class: "hint", id: control.id + "-hint" }, hint);
  const wrong = h("span", { class: "wrong", id: control.id + "-wrong" });
  control.setAttribute("aria-describedby", [help?.id, wrong.id].filter(Boolean).join(" "));
  const ticked = control.type === "checkbox" || control.type === "radio";
  const name = h("label", { for: control.id }, label);
  return h("div", { class: ticked ? "field tick" : "field" }, ticked ? [control, name] : [name, help, control], ticked && help, wrong);
}

/** The field for an account's address: a "username" to the browser, or an "email" that is new to it. */
export const emailField = (kind, hint) =>
  field(t("common.email"), h("input", { type: "email", name: "email", required: true, autocomplete: kind, autocapitalize: "none", spellcheck: "false" }), hint);

/** A note about what went wrong, and how long to wait where it was too much at once. It is said aloud. */
export function trouble(problem, ...more) {
  const wait = problem.status === 429 && problem.wait && h("p", {}, t("common.wait", { n: Math.ceil(problem.wait / 60) }));
  return h("div", { class: "note bad", role: "alert" }, h("p", {}, problem instanceof Problem ? problem.text : t("problems.unknown")), wait, more);
}

/** What stands in the form, by the names of its controls. */
export function values(form) {
  const all = {};
  for (const c of form.elements) {
    if (!c.name || c.disabled) continue;
    if (c.type === "radio") {
      if (c.checked) all[c.name] = c.value;
    } else all[c.name] = c.type === "checkbox" ? c.checked : c.type === "number" ? c.valueAsNumber : c.value;
  }
  return all;
}

/**
 * Does something with a form when it is sent: once at a time, with its button busy meanwhile. What is required is asked for before; what
 * the API refuses stands beside the field that it names or above the form, and the first of it gets the focus.
 */
export function sends(form, act) {
  form.noValidate = true;
  const above = h("div", { class: "above" });
  form.prepend(above);
  let busy = false;
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    if (busy) return;
    clear(form, above);
    const missing = [...form.elements].filter((c) => c.willValidate && !c.validity.valid);
    if (missing.length) {
      name(missing.map((c) => [c, fault(c)]));
      return;
    }
    const button = e.submitter ?? form.querySelector("button:not([type=button])");
    busy = true;
    button?.setAttribute("aria-disabled", "true");
    button?.classList.add("busy");
    try {
      await act(values(form));
    } catch (problem) {
      refused(form, above, problem);
    } finally {
      busy = false;
      button?.removeAttribute("aria-disabled");
      button?.classList.remove("busy");
    }
  });
}

/** What is wrong with a control, in the page's own language. */
function fault(c) {
  const v = c.validity;
  if (v.customError) return c.validationMessage;
  if (v.valueMissing) return t(c.type === "checkbox" ? "common.tick" : "common.required");
  if (v.typeMismatch && c.type === "email") return t("problems.field_not_an_address");
  if (v.patternMismatch) return t("problems.field_characters");
  if (v.tooShort || v.tooLong) return t("problems.field_length");
  if (v.rangeUnderflow || v.rangeOverflow) return t("problems.field_out_of_range");
  return t("problems.field_wrong_type");
}

function refused(form, above, problem) {
  if (!(problem instanceof Problem)) {
    console.error(problem);
    fill(above, trouble(problem));
    return;
  }
  const wrong = [];
  const others = []; // of which the form has no control
  for (const f of problem.fields) {
    const pointer = f.pointer.slice(1);
    const control = form.elements[pointer] ?? form.elements[pointer.split("/")[0]];
    const said = ["problems.field_", "staff-problems.field_", "problems."].map((lead) => lead + f.code).find(has);
    const text = said ? t(said) : f.detail;
    if (control) wrong.push([control instanceof RadioNodeList ? control[0] : control, text]);
    else others.push(h("li", {}, text));
  }
  if (others.length || !wrong.length) {
    fill(above, trouble(problem, others.length > 0 && h("ul", {}, others)));
    above.firstChild.tabIndex = -1;
    above.firstChild.focus();
  }
  if (wrong.length) name(wrong);
}

function name(wrong) {
  for (const [control, text] of wrong) {
    for (let d = control.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
    control.setAttribute("aria-invalid", "true");
    const room = document.getElementById(control.id + "-wrong");
    if (room) room.textContent = text;
  }
  tell(t("common.wrong_fields", { n: wrong.length }) + " " + wrong.map(([, text]) => text).join(" "));
  wrong[0][0].focus();
}

function clear(form, above) {
  fill(above);
  for (const c of form.querySelectorAll("[aria-invalid]")) {
    c.removeAttribute("aria-invalid");
    const room = document.getElementById(c.id + "-wrong");
    if (room) room.textContent = "";
  }
}

/** A button that does something by itself: once at a time, busy meanwhile. Its trouble stands beside it. */
export function button(label, act, attributes) {
  const b = h("button", { type: "button", ...attributes }, label);
  b.addEventListener("click", async () => {
    if (b.classList.contains("busy")) return;
    b.nextElementSibling?.matches(".note.bad") && b.nextElementSibling.remove();
    b.classList.add("busy");
    b.setAttribute("aria-disabled", "true");
    try {
      await act();
    } catch (problem) {
      if (!(problem instanceof Problem)) console.error(problem);
      b.after(trouble(problem));
    } finally {
      b.classList.remove("busy");
      b.removeAttribute("aria-disabled");
    }
  });
  return b;
}

/** What stands where something could not be shown: why, and a way to try again. Whoever tries has the focus where it is shown then. */
export function stuck(element, problem, act) {
  if (!(problem instanceof Problem)) console.error(problem);
  const again = async () => {
    await act();
    element.tabIndex = -1;
    element.focus();
  };
  fill(element, trouble(problem), h("p", {}, h("button", { type: "button", onclick: again }, t("common.again"))));
}

/**
 * Shows what the API answers to a GET of a path, or what a function asks it, as make makes it: busy meanwhile, and with a way to try again
 * where it went wrong.
 */
export async function shows(element, asked, make) {
  element.setAttribute("aria-busy", "true");
  try {
    fill(element, await make(await (typeof asked === "function" ? asked() : api("GET", asked))));
  } catch (problem) {
    stuck(element, problem, () => shows(element, asked, make));
  }
}
