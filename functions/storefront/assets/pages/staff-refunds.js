// Money that waits to be given back, or goes back.
import { fill, h } from "../dom.js";
import { shows } from "../form.js";
import { chosen, desk, moment, orderLink, pager, part, refundLists, refundRows, searched, states, sum, sums } from "../staff.js";
import { t } from "../texts.js";

desk(["refunds"], async (room) => {
  const state = chosen(refundLists);
  const list = h("div", {}, h("div", { class: "bones" }));
  fill(room, states(refundLists, state, "staff.refunds_"), h("p", { class: "quiet" }, t("staff-refunds.about_" + state)), list);
  await shows(list, "/v1/refunds" + part(state), ({ cases, refunds, next }) => [
    cases
      ? searched(
          t("staff.refunds_open"),
          [t("staff.order"), sums(t("staff.amount")), t("staff.why"), t("staff.since")],
          cases.map((k) => [orderLink(k.order), sum(k.amount), t("staff.case_" + k.reason), moment(k.openedAt)]),
        )
      : searched(t("staff.refunds_" + state), ...refundRows(refunds, true)),
    pager(next),
  ]);
});
