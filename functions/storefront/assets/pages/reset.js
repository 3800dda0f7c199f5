import { api, forget } from "../api.js";
import { fill, h, href, place, rich } from "../dom.js";
import { sends, trouble } from "../form.js";
import { dropToken, token } from "../next.js";
import { password } from "../password.js";
import { t } from "../texts.js";

function ask() {
  const form = h(
    "form",
    { class: "stack" },
    password(t("reset.password"), "password", "new-password", t("reset.hint")),
    h("p", {}, h("button", { class: "lead" }, t("reset.send"))),
  );
  sends(form, async (typed) => {
    try {
      await api("POST", "/v1/password/reset", { token: token(), ...typed });
    } catch (problem) {
      if (problem.code !== "link_invalid") throw problem;
      dropToken();
      lost(trouble(problem));
      return;
    }
    dropToken();
    forget(); // every session has ended, this browser's too
    done();
  });
  fill(place(), h("p", {}, t("reset.intro")), form);
}

function done() {
  const title = h("h2", { tabindex: "-1" }, t("reset.done_title"));
  fill(place(), title, h("p", {}, t("reset.done")), h("p", {}, h("a", { class: "button lead", href: href("/signin") }, t("common.signin"))));
  title.focus();
}

function lost(why) {
  fill(place(), why, h("p", {}, rich("reset.ask", { forgot: "/password/forgot" })));
  if (why) {
    why.tabIndex = -1;
    why.focus();
  }
}

if (token()) ask();
else lost();
