// One work: until when its publisher lets it be distributed, what people report about it, and what keeps it closed.
import { api } from "../api.js";
import { fill, h, href, step, url } from "../dom.js";
import { facts, tag } from "../facts.js";
import { field, sends, shows } from "../form.js";
import { date, instant } from "../format.js";
import { holding } from "../holding.js";
import { by, decide, desk, every, radios, workStatus } from "../staff.js";
import { t } from "../texts.js";

const states = ["open", "suspended", "dismissed"];
const kinds = { open: "warn", suspended: "bad", dismissed: "" };

desk(["works"], async (room) => {
  const id = step(2);
  const path = url`/v1/works/${id}`;
  const news = h("div", {});
  const page = h("div", {}, h("div", { class: "bones" }));
  const reports = h("div", {}, h("div", { class: "bones" }));
  fill(room, news, page, h("h2", {}, t("staff-work.reports")), reports);

  const look = () => Promise.all([shows(page, path, show), reported()]);

  function show(w) {
    return [
      h("p", { class: "row" }, h("span", { class: "sum" }, w.title), workStatus(w.status)),
      h("dl", { class: "facts" }, facts(
        [t("staff-work.id"), h("a", { href: href("/works/" + w.id) }, w.id)],
        [t("staff-work.publisher"), w.publisher],
        [t("staff-work.distribution"), `${date(w.distribution.from)} – ${date(w.distribution.until)}`],
        [t("staff-work.agreement"), w.agreement],
        [t("staff.holds"), w.holds.length > 0 && h("ul", {}, w.holds.map((x) => h("li", {}, h("a", { href: href("/staff/holds/" + x.id) }, t("staff.basis_" + x.basis)), ", ", instant(x.since))))],
      )),
      h("h2", {}, t("staff-work.distribution")),
      distributing(w),
      h("details", {}, h("summary", {}, t("staff-work.stop")), h("p", { class: "quiet" }, t("staff-work.stop_hint")), holding(["work:" + w.id])),
    ];
  }

  function distributing(w) {
    const form = h(
      "form",
      {},
      field(t("staff-work.from"), h("input", { type: "date", name: "from", required: true, value: w.distribution.from })),
      field(t("staff-work.until"), h("input", { type: "date", name: "until", required: true, value: w.distribution.until }), t("staff-work.until_hint")),
      field(t("staff-work.agreement"), h("input", { name: "agreement", required: true, maxlength: 50, autocomplete: "off", value: w.agreement })),
      field(t("staff-work.reason"), h("textarea", { name: "reason", required: true, maxlength: 500, rows: 2 })),
      field(t("staff-work.confirmed"), h("input", { type: "checkbox", name: "confirmed" }), t("staff-work.confirmed_hint")),
      h("p", {}, h("button", { class: "lead" }, t("staff-work.write_down"))),
    );
    sends(form, (typed) =>
      decide(news, look, async () => {
        fill(page, show(await api("PUT", path + "/distribution", { ...typed, revision: w.revision })));
        return t("staff-work.written");
      }),
    );
    return form;
  }

  /** The reports about this work: those that wait first. */
  const reported = () =>
    shows(
      reports,
      () => Promise.all(states.map((state) => every(`/v1/takedown-reports?limit=100&state=${state}`, "reports"))),
      (lists) => {
        const mine = lists.flat().filter((r) => r.work === id);
        return mine.length === 0 ? h("p", { class: "empty" }, t("staff-work.no_reports")) : h("ul", { class: "list", role: "list" }, mine.map((r) => h("li", { class: "card" }, report(r))));
      },
    );

  function report(r) {
    return [
      h("p", { class: "row" }, tag(kinds[r.state], t("staff.report_" + r.state)), h("span", { class: "quiet" }, instant(r.at))),
      h("blockquote", {}, h("p", {}, r.claim)),
      h("p", {}, [r.name, r.email].filter(Boolean).join(", ")),
      r.decided && h("p", { class: "quiet" }, t("staff-work.decided", { who: by(r.decided.by), instant: instant(r.decided.at), reason: r.decided.reason })),
      r.decided?.hold && h("p", {}, h("a", { href: href("/staff/holds/" + r.decided.hold) }, t("staff-work.its_hold"))),
      r.state === "open" && deciding(r),
    ];
  }

  function deciding(r) {
    const form = h(
      "form",
      {},
      radios(t("staff-work.decide"), "decision", [["suspend", t("staff-work.suspend")], ["dismiss", t("staff-work.dismiss")]]),
      field(t("staff-work.reason"), h("textarea", { name: "reason", required: true, maxlength: 500, rows: 2 })),
      h("p", {}, h("button", { class: "lead" }, t("staff-work.decide_now"))),
    );
    sends(form, (typed) =>
      decide(news, look, async () => {
        await api("POST", `/v1/takedown-reports/${r.id}/decision`, typed);
        await look();
        return t(typed.decision === "suspend" ? "staff-work.suspended" : "staff-work.dismissed");
      }),
    );
    return form;
  }

  await look();
});
