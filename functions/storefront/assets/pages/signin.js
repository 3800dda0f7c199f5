import { api, remember, who } from "../api.js";
import { fill, h, href, place, rich } from "../dom.js";
import { emailField, sends } from "../form.js";
import { dropNext, keepNext, next, withNext } from "../next.js";
import { password } from "../password.js";
import { t } from "../texts.js";

keepNext(); // over a forgotten password, or a letter that did not come
const known = who();
const wanted = next();

const form = h(
  "form",
  { class: "stack" },
  emailField("username"),
  password(t("common.password"), "password", "current-password"),
  h("p", {}, h("button", { class: "lead" }, t("common.signin"))),
);

sends(form, async (typed) => {
  const { account } = await api("POST", "/v1/session", typed);
  remember(account);
  dropNext();
  const to = wanted ?? (account.roles.length > 0 ? "/staff" : "/library");
  location.replace(href(account.termsRequired ? "/account/terms?next=" + encodeURIComponent(to) : to));
});

fill(
  place(),
  known && h("p", { class: "note" }, rich("signin.known", { on: wanted ?? "/library" }, { name: known.name })),
  !known && wanted && h("p", { class: "note" }, t("signin.first")),
  form,
  h(
    "ul",
    {},
    h("li", {}, rich("signin.forgot", { forgot: "/password/forgot" })),
    h("li", {}, rich("signin.new", { signup: withNext("/signup") })),
    h("li", {}, rich("signin.unproved", { verify: "/signup/verify" })),
  ),
);
