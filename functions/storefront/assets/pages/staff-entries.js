// What the bank told, by its state.
import { fill, h, href } from "../dom.js";
import { shows } from "../form.js";
import { date, money } from "../format.js";
import { chosen, desk, pager, part, searched, states, sums } from "../staff.js";
import { t } from "../texts.js";

const all = ["waiting", "new", "allocated", "allocated_with_remainder", "settled_elsewhere", "ignored"];

const row = (e) => [
  [h("a", { href: href("/staff/entries/" + e.id) }, e.payer.name || t("staff-entries.nameless")), h("br"), h("span", { class: "quiet" }, date(e.booked))],
  h("td", { class: "number" }, e.direction === "debit" && "−", e.amount ? money(e.amount) : `${e.original.amount} ${e.original.currency}`),
  h("p", {}, e.reason ? t("staff.entry_reason_" + e.reason) : t("staff.entry_new")),
  h("p", {}, [...e.references, e.text].filter(Boolean).join(" · ")),
  e.state === "waiting"
    ? e.suggestions.length > 0
      ? t("staff-entries.suggested", { orders: e.suggestions[0].allocate.map((s) => s.order).join(", "), score: e.suggestions[0].score })
      : t("staff-entries.unsuggested")
    : e.allocations.map((s) => h("p", {}, h("a", { href: href("/staff/orders/" + s.order) }, s.order))),
];

desk(["entries"], async (room) => {
  const state = chosen(all);
  const list = h("div", {}, h("div", { class: "bones" }));
  fill(room, states(all, state, "staff.entry_"), list);
  await shows(list, "/v1/reconciliation" + part(state), ({ entries, next }) => [
    searched(
      t("staff.entry_" + state),
      [t("staff-entries.payer"), sums(t("staff.amount")), t("staff-entries.why"), t("staff-entries.said"), t(state === "waiting" ? "staff-entries.guess" : "staff.orders")],
      entries.map(row),
    ),
    pager(next),
  ]);
});
