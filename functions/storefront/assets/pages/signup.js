import { api } from "../api.js";
import { fill, h, place, rich, tell } from "../dom.js";
import { button, emailField, field, sends, shows } from "../form.js";
import { keepNext, withNext } from "../next.js";
import { password } from "../password.js";
import { inForce } from "../terms.js";
import { language, t } from "../texts.js";

keepNext();

// What is agreed to is what the links show: the versions of this moment.
async function versions(outdated = []) {
  const all = await Promise.all(["use", "privacy"].map((document, i) => inForce(document, outdated[i]?.version)));
  return all.map(({ document, version }) => ({ document, version }));
}

const name = (label, key, kind) => field(t(label), h("input", { name: key, required: true, maxlength: 100, autocomplete: kind }));

function agreement() {
  const label = rich("signup.agree", { use: "/terms/use", privacy: "/terms/privacy" });
  for (const part of label) if (part instanceof Element) part.target = "_blank"; // what was typed stays
  return field(label, h("input", { type: "checkbox", name: "accept", required: true }), t("signup.agree_hint"));
}

function ask(documents) {
  const form = h(
    "form",
    { class: "stack" },
    name("signup.first_name", "firstName", "given-name"),
    name("signup.last_name", "lastName", "family-name"),
    emailField("email", t("signup.email_hint")),
    password(t("common.password"), "password", "new-password", t("signup.password_hint")),
    agreement(),
    field(t("signup.offers"), h("input", { type: "checkbox", name: "marketing" })),
    h("p", {}, h("button", { class: "lead" }, t("signup.send"))),
  );
  sends(form, async (typed) => {
    try {
      await api("POST", "/v1/signup", { ...typed, language, accept: documents });
    } catch (problem) {
      if (problem.code === "terms_outdated") {
        documents = await versions(documents);
        form.elements.accept.checked = false; // to these nobody has agreed
      }
      throw problem;
    }
    written(typed.email.trim());
  });
  return [h("p", {}, t("signup.intro")), form, h("p", {}, rich("signup.have", { signin: withNext("/signin") }))];
}

function written(email) {
  const title = h("h2", { tabindex: "-1" }, t("signup.sent_title"));
  const again = button(t("signup.again"), async () => {
    await api("POST", "/v1/signup/resend", { email });
    tell(t("signup.again_sent"));
    again.replaceWith(h("p", { class: "note good" }, t("signup.again_sent")));
  });
  fill(
    place(),
    title,
    h("p", {}, t("signup.sent", { email })),
    h("h3", {}, t("signup.none_title")),
    h("p", {}, rich("signup.none", { signup: withNext("/signup") })),
    h("p", {}, again),
  );
  title.focus();
}

shows(place(), versions, ask);
