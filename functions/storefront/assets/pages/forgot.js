import { api } from "../api.js";
import { fill, h, place, rich } from "../dom.js";
import { emailField, sends } from "../form.js";
import { t } from "../texts.js";

const form = h(
  "form",
  { class: "stack" },
  emailField("username"),
  h("p", {}, h("button", { class: "lead" }, t("forgot.send"))),
);

sends(form, async (typed) => {
  await api("POST", "/v1/password/forgot", typed);
  const title = h("h2", { tabindex: "-1" }, t("forgot.sent_title"));
  fill(place(), title, h("p", {}, t("forgot.sent", { email: typed.email.trim() })), h("p", {}, rich("forgot.none", { signup: "/signup" })));
  title.focus();
});

fill(place(), h("p", {}, t("forgot.intro")), form, h("p", {}, rich("forgot.known", { signin: "/signin" })));
