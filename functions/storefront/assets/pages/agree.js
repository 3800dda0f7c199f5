import { api } from "../api.js";
import { fill, h, href, place, rich } from "../dom.js";
import { date } from "../format.js";
import { field, sends, shows } from "../form.js";
import { next } from "../next.js";
import { inForce } from "../terms.js";
import { t } from "../texts.js";

const onward = next() ?? "/library";

function ask(terms) {
  const since = h("p", { class: "quiet" });
  const show = () => fill(since, t("agree.since", { date: date(terms.validFrom) }));
  const form = h(
    "form",
    { class: "stack" },
    field(t("agree.tick"), h("input", { type: "checkbox", name: "accept", required: true })),
    h("p", {}, h("button", { class: "lead" }, t("agree.send"))),
  );
  sends(form, async () => {
    try {
      await api("POST", "/v1/account/acceptances", { accept: [{ document: "use", version: terms.version }] });
    } catch (problem) {
      if (problem.code === "terms_outdated") {
        terms = await inForce("use", terms.version);
        show();
        form.reset(); // to these nobody has agreed
      }
      throw problem;
    }
    location.replace(href(onward));
  });
  show();
  return [h("p", {}, rich("agree.intro", { use: "/terms/use" })), since, form];
}

shows(place(), "/v1/session", async ({ account }) => {
  if (!account.termsRequired) return [h("p", { class: "note good" }, t("agree.done")), h("p", {}, h("a", { class: "button", href: href(onward) }, t("agree.on")))];
  return ask(await inForce("use"));
});
