// Every work, what people report about works, and the prices.
import { api } from "../api.js";
import { fill, h, href } from "../dom.js";
import { tag } from "../facts.js";
import { field, sends, shows } from "../form.js";
import { date, dayOf, money, today } from "../format.js";
import { asTyped, chosen, decide, desk, every, searched, several, states, sumInput, table, typedSum, workStatus } from "../staff.js";
import { t } from "../texts.js";

const statuses = ["all", "offered", "ahead", "withdrawn", "suspended"];
const most = 12; // plans of a list

desk(["works"], async (room) => {
  const status = chosen(statuses);
  const reports = h("div", {}, h("div", { class: "bones" }));
  const works = h("div", {}, h("div", { class: "bones" }));
  const prices = h("div", {}, h("div", { class: "bones" }));
  const news = h("div", {});
  fill(
    room,
    h("h2", { id: "reports" }, t("staff-works.reports")),
    reports,
    h("h2", {}, t("staff-works.prices")),
    news,
    prices,
    h("h2", {}, t("staff.works")),
    states(statuses, status, "staff.works_"),
    works,
  );
  await Promise.all([
    shows(reports, () => every("/v1/takedown-reports?limit=100", "reports"), (all) =>
      searched(
        t("staff-works.reports"),
        [t("staff-works.work"), t("staff-works.claim"), t("staff-works.from"), t("staff.since")],
        all.map((r) => [
          h("a", { href: href("/staff/works/" + r.work) }, r.work),
          h("p", {}, r.claim),
          h("p", {}, [r.name, r.email].filter(Boolean).join(", ")),
          date(dayOf(r.at)),
        ]),
      ),
    ),
    shows(works, () => every("/v1/works?limit=100" + (status === "all" ? "" : "&status=" + status), "works"), (all) =>
      searched(
        t("staff.works"),
        [t("staff-works.work"), t("staff-works.publisher"), t("staff.state"), t("staff-works.from_day"), t("staff-works.until_day"), t("staff-works.agreement")],
        all.map((w) => [
          h("p", {}, h("a", { href: href("/staff/works/" + w.id) }, w.title), " ", h("span", { class: "quiet" }, w.id)),
          w.publisher,
          workStatus(w.status),
          date(w.distribution.from),
          date(w.distribution.until),
          w.agreement,
        ]),
      ),
    ),
    look(),
  ]);

  function look() {
    return shows(prices, "/v1/price-lists", priceLists);
  }

  function priceLists({ lists }) {
    const now = lists.find((l) => l.inForce);
    const tomorrow = new Date(Date.parse(today()) + 86_400_000).toISOString().slice(0, 10);
    const edit = h("div", {});
    const change = (list, from) => {
      fill(edit, pricing(list, from));
      edit.querySelector("h3").focus();
    };
    return [
      lists.map((l) =>
        h(
          "details",
          { open: l.open },
          h("summary", {}, date(l.validFrom), " ", l.inForce && tag("good", t("staff-works.in_force")), l.open && tag("warn", t("staff-works.ahead"))),
          table(
            t("staff-works.list_of", { date: date(l.validFrom) }),
            [t("staff-works.months"), t("staff-works.net"), t("staff-works.remind")],
            l.plans.map((p) => [t("staff.months", { n: p.months }), money(p.net), t("staff-works.days_before", { days: p.remind.join(", ") })]),
          ),
          l.open && h("p", {}, h("button", { type: "button", onclick: () => change(l, l.validFrom) }, t("staff-works.change"))),
        ),
      ),
      h("p", {}, h("button", { type: "button", onclick: () => change({ plans: now?.plans ?? [], revision: 0 }, "") }, t("staff-works.new_list"))),
      edit,
    ];

    function pricing(list, from) {
      const plan = (i, like) =>
        h(
          "fieldset",
          { class: "row" },
          h("legend", { class: "unseen" }, t("staff-works.plan", { n: i + 1 })),
          field(t("staff-works.months"), h("input", { type: "number", name: `plans/${i}/months`, min: 1, max: 36, required: true, value: like?.months })),
          field(t("staff-works.net"), sumInput({ name: `plans/${i}/net`, required: true, value: like && asTyped(like.net) })),
          field(t("staff-works.remind"), h("input", { name: `plans/${i}/remind`, autocomplete: "off", value: like?.remind.join(", ") })),
        );
      const plans = several(most, plan, t("staff-works.more"), t("staff-works.less"));
      plans.show(list.plans.length ? list.plans : [undefined]);
      const form = h(
        "form",
        {},
        field(t("staff-works.valid_from"), h("input", { type: "date", name: "validFrom", required: true, min: from ? null : tomorrow, value: from, readonly: Boolean(from) }), t("staff-works.valid_from_hint")),
        h("p", { class: "hint" }, t("staff-works.plans_hint")),
        plans.part,
        h("p", {}, h("button", { class: "lead" }, t("staff-works.set"))),
      );
      sends(form, async (typed) => {
        const all = Array.from({ length: plans.count() }, (_, i) => ({
          months: typed[`plans/${i}/months`],
          net: typedSum(typed[`plans/${i}/net`]),
          remind: typed[`plans/${i}/remind`].split(/[\s,;]+/).filter(Boolean).map(Number),
        }));
        await decide(news, look, async () => {
          await api("PUT", "/v1/price-lists/" + typed.validFrom, { plans: all, revision: list.revision });
          await look();
          return t("staff-works.is_set", { date: date(typed.validFrom) });
        });
      });
      return [h("h3", { tabindex: "-1" }, from ? t("staff-works.change_of", { date: date(from) }) : t("staff-works.new_list")), form];
    }
  }
});
