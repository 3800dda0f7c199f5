// How staff stop the service, and for what.
import { api, once } from "./api.js";
import { h, href } from "./dom.js";
import { field, sends } from "./form.js";
import { radios, select } from "./staff.js";
import { t } from "./texts.js";

/** The bases by what they can close (shared/hold/basis.go). */
const bases = {
  account: ["harmful", "off_purpose", "indecent_content", "infringes_ip", "unacceptable", "refuses_obligations", "unpaid", "credential_leak", "false_data"],
  license: ["harmful", "off_purpose", "indecent_content", "infringes_ip", "unacceptable", "refuses_obligations", "unpaid"],
  group: ["harmful", "off_purpose", "indecent_content", "infringes_ip", "unacceptable", "refuses_obligations", "unpaid"],
  work: ["suspected_ip"],
};

/** What a hold closes, in words. */
export function object(on) {
  const [scope, ...rest] = on.split(":");
  const id = rest.join(":");
  if (scope === "group") return t("staff.on_" + rest[0], { id: rest.slice(1).join(":") });
  return t("staff.on_" + scope, { id: scope === "account" ? id.slice(0, 6) : id });
}

/** A form that stops the service for one of some things. What it asks for depends on which. */
export function holding(things) {
  const on = things.length === 1 ? h("input", { type: "hidden", name: "on", value: things[0] }) : select("on", things.map((o) => [o, object(o)]));
  const basis = select("basis", []);
  const measure = radios(t("staff.measure"), "measure", [["suspend", t("staff.suspend_words")], ["end", t("staff.end_words")]], "suspend");
  const day = h("input", { type: "date", name: "reviewOn" });
  const review = field(t("staff.review_on"), day, t("staff.review_hint"));
  const school = h(
    "details",
    {},
    h("summary", {}, t("staff.school")),
    h("p", { class: "quiet" }, t("staff.school_hint")),
    field(t("staff.signatory"), h("input", { name: "school/signatory", maxlength: 200, autocomplete: "off" })),
    field(t("staff.document"), h("input", { name: "school/document", maxlength: 200, autocomplete: "off" })),
    field(t("staff.spoke_on"), h("input", { type: "date", name: "school/on" })),
    field(t("staff.opinion"), h("textarea", { name: "school/opinion", maxlength: 1000, rows: 2 })),
  );
  const turn = () => {
    const scope = on.value.split(":")[0];
    const before = basis.value;
    basis.replaceChildren(...bases[scope].map((b) => h("option", { value: b, selected: b === before }, t("staff.basis_" + b))));
    measure.hidden = scope !== "account" && !on.value.startsWith("group:school:");
    if (measure.hidden) measure.querySelector("[value=suspend]").checked = true;
    school.hidden = scope === "work" || scope === "license";
    review.hidden = measure.querySelector(":checked").value === "end";
    day.required = !review.hidden;
  };
  const form = h(
    "form",
    {},
    things.length === 1 ? on : field(t("staff.on"), on),
    field(t("staff.basis"), basis),
    measure,
    review,
    field(t("staff.evidence"), h("textarea", { name: "evidence", required: true, rows: 3 }), t("staff.evidence_hint")),
    field(t("staff.hold_reason"), h("textarea", { name: "reason", maxlength: 1000, rows: 2 }), t("staff.hold_reason_hint")),
    things.some((o) => !o.startsWith("work:")) && field(t("staff.force_majeure"), h("input", { type: "checkbox", name: "forceMajeure" }), t("staff.force_majeure_hint")),
    school,
    h("p", {}, h("button", { class: "danger" }, t("staff.place"))),
  );
  form.addEventListener("change", turn);
  turn();
  sends(form, async (typed) => {
    const wish = { on: typed.on, basis: typed.basis, measure: typed.measure, evidence: lines(typed.evidence), reason: typed.reason, forceMajeure: Boolean(typed.forceMajeure) };
    if (wish.measure === "suspend" && typed.reviewOn) wish.reviewOn = typed.reviewOn;
    const word = { signatory: typed["school/signatory"], document: typed["school/document"], on: typed["school/on"], opinion: typed["school/opinion"] };
    if (Object.values(word).some(Boolean)) {
      if (!word.on) delete word.on;
      wish.school = word;
      school.open = true; // what is wrong in it has to be seen
    }
    const { key, done } = once("hold " + JSON.stringify(wish));
    const hold = await api("POST", "/v1/holds", wish, { key });
    done();
    location.assign(href("/staff/holds/" + hold.id));
  });
  return form;
}

const lines = (text) =>
  text
    .split("\n")
    .map((l) => l.trim())
    .filter(Boolean);
