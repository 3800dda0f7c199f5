// A hold: all about it, and what can be decided.
import { api } from "../api.js";
import { fill, h, href, step, url } from "../dom.js";
import { facts, tag } from "../facts.js";
import { button, field, sends, shows } from "../form.js";
import { date, instant, today } from "../format.js";
import { object } from "../holding.js";
import { by, decide, desk, history } from "../staff.js";
import { t } from "../texts.js";

const kinds = { standing: "bad", proposed: "warn", lifted: "good" };

desk(["holds", "works"], async (room) => {
  const path = url`/v1/holds/${step(2)}`;
  const news = h("div", {});
  const page = h("div", {}, h("div", { class: "bones" }));
  fill(room, news, page);

  const look = () => shows(page, path, show);

  const decided = (what, body, said) =>
    decide(news, look, async () => {
      fill(page, show(await api("POST", `${path}/${what}`, body)));
      return said;
    });

  const reason = (hint) => field(t("staff-hold.reason"), h("textarea", { name: "reason", required: true, maxlength: 1000, rows: 2 }), hint);
  const part = (title, ...inner) => h("details", {}, h("summary", {}, title), inner);

  function show(x) {
    const [scope, id] = x.on.split(":");
    const did = (event) => x.events.some((e) => e.event === event);
    return [
      h("p", { class: "row" }, h("span", { class: "sum" }, scope === "work" ? h("a", { href: href("/staff/works/" + id) }, object(x.on)) : object(x.on)), tag(kinds[x.state], t("staff.hold_" + x.state))),
      x.telling && h("p", { class: "note" }, t("staff-hold.telling")),
      h("dl", { class: "facts" }, facts(
        [t("staff.why"), t("staff.basis_" + x.basis)],
        [t("staff.measure"), t("staff.measure_" + x.measure)],
        [t("staff.since"), x.since && instant(x.since)],
        [t("staff.review_on"), x.reviewOn && [date(x.reviewOn), x.state === "standing" && x.reviewOn <= today() && [" ", tag("warn", t("staff-hold.due"))]]],
        [t("staff.evidence"), h("ul", {}, x.evidence.map((e) => h("li", {}, e)))],
        [t("staff.force_majeure"), x.forceMajeure && t("staff-hold.nobody_told")],
        [t("staff.school"), x.school && `${x.school.signatory}, ${x.school.document}, ${date(x.school.on)}: ${x.school.opinion}`],
      )),
      x.state !== "lifted" && h("h2", {}, t("staff-hold.decide")),
      x.state === "proposed" && [
        h("p", {}, t("staff-hold.approve_hint")),
        h("p", {}, button(t("staff-hold.approve"), () => decided("approval", undefined, t("staff-hold.approved")), { class: "danger" })),
        lifting(x, t("staff-hold.withdraw")),
      ],
      x.state === "standing" && [x.measure === "suspend" && reviewing(x), x.breach && !did("confirmed") && confirming(), lifting(x, t("staff-hold.lift"))],
      h("h2", {}, t("staff.history")),
      history(x.events.map((e) => ({ at: e.at, what: t("staff.hold_was_" + e.event), by: by(e.by), reason: e.reason }))),
    ];
  }

  function reviewing(x) {
    const form = h(
      "form",
      {},
      field(t("staff.review_on"), h("input", { type: "date", name: "reviewOn", required: true, value: x.reviewOn > today() ? x.reviewOn : "" }), t("staff.review_hint")),
      reason(),
      h("p", {}, h("button", {}, t("staff-hold.review"))),
    );
    sends(form, (typed) => decided("review", typed, t("staff-hold.reviewed")));
    return part(t("staff-hold.review"), form);
  }

  function confirming() {
    const form = h("form", {}, reason(t("staff-hold.confirm_hint")), h("p", {}, h("button", { class: "danger" }, t("staff-hold.confirm"))));
    sends(form, (typed) => decided("confirmation", typed, t("staff-hold.confirmed")));
    return part(t("staff-hold.confirm"), form);
  }

  function lifting(x, title) {
    const proved = x.events.some((e) => e.event === "confirmed");
    const form = h(
      "form",
      {},
      reason(x.state === "standing" && t("staff-hold.lift_hint")),
      proved && field(t("staff-hold.overturned"), h("input", { type: "checkbox", name: "overturned" }), t("staff-hold.overturned_hint")),
      h("p", {}, h("button", {}, title)),
    );
    sends(form, (typed) => decided("lift", typed, t(x.state === "standing" ? "staff-hold.lifted" : "staff-hold.withdrawn")));
    return part(title, form);
  }

  await look();
});
