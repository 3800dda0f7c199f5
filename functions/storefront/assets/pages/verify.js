import { api } from "../api.js";
import { fill, h, href, place, rich } from "../dom.js";
import { emailField, sends, trouble } from "../form.js";
import { dropToken, token } from "../next.js";
import { t } from "../texts.js";

// A person presses the button: programs that look at the links of letters do not.
function confirm() {
  const form = h("form", {}, h("p", {}, t("verify.ready")), h("p", {}, h("button", { class: "lead" }, t("verify.send"))));
  sends(form, async () => {
    try {
      await api("POST", "/v1/signup/verify", { token: token() });
    } catch (problem) {
      if (problem.code !== "link_invalid") throw problem;
      dropToken();
      ask(trouble(problem));
      return;
    }
    dropToken();
    done();
  });
  fill(place(), form);
}

function done() {
  const title = h("h2", { tabindex: "-1" }, t("verify.done_title"));
  fill(
    place(),
    title,
    h("p", {}, t("verify.done")),
    h("p", {}, h("a", { class: "button lead", href: href("/signin") }, t("common.signin"))),
    h("p", { class: "quiet" }, t("verify.reset")),
  );
  title.focus();
}

function ask(why) {
  const form = h(
    "form",
    { class: "stack" },
    emailField("email"),
    h("p", {}, h("button", { class: "lead" }, t("verify.again"))),
  );
  sends(form, async (typed) => {
    await api("POST", "/v1/signup/resend", typed);
    const sent = h("p", { class: "note good", tabindex: "-1" }, t("verify.again_sent", { email: typed.email.trim() }));
    fill(place(), sent);
    sent.focus();
  });
  fill(place(), why, h("p", {}, t("verify.ask")), form, h("p", {}, rich("verify.have", { signin: "/signin" })));
  if (why) {
    why.tabIndex = -1;
    why.focus();
  }
}

if (token()) confirm();
else ask();
