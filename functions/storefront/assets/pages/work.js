// The page of a work: somebody reports that it infringes a right.
import { api } from "../api.js";
import { fill, h, place, step, url } from "../dom.js";
import { field, sends } from "../form.js";
import { t } from "../texts.js";

const claim = h("textarea", { name: "claim", required: true, minlength: 10, maxlength: 4000, rows: 5 });
const email = h("input", { name: "email", type: "email", autocomplete: "email" });
const form = h(
  "form",
  {},
  field(t("work.claim"), claim, t("work.claim_hint")),
  field(t("work.name"), h("input", { name: "name", maxlength: 100, autocomplete: "name" }), t("work.optional")),
  field(t("work.email"), email, t("work.email_hint")),
  field(t("work.faith"), h("input", { name: "goodFaith", type: "checkbox", required: true })),
  h("button", {}, t("work.send")),
);

sends(form, async (said) => {
  const receipt = await api("POST", url`/v1/works/${step(1)}/takedown-reports`, said, { quiet: true });
  const thanks = h("p", { class: "note good", role: "status", tabindex: -1 }, t("work.sent", { number: receipt.report }));
  fill(place(), thanks);
  thanks.focus();
});

fill(place(), form);
