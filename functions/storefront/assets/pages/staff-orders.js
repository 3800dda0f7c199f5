// Orders, found by their number, by what stands on a payment, or by their buyer. What is looked for stands behind the # of the address:
// that part never leaves the browser, so that no log keeps whose orders somebody looked for.
import { api } from "../api.js";
import { fill, h, href } from "../dom.js";
import { field, sends } from "../form.js";
import { date, dayOf } from "../format.js";
import { desk, orderLink, searched, situation, sum, sums } from "../staff.js";
import { t } from "../texts.js";

const sought = () => decodeURIComponent(location.hash.slice(1));

const row = (o) => [orderLink(o.number), date(dayOf(o.placedAt)), situation(o), t("staff.months", { n: o.months }), sum(o.price.gross), sum(o.open)];

desk(["orders"], async (room) => {
  const input = h("input", { type: "search", name: "find", required: true, autocomplete: "off", autocapitalize: "none", spellcheck: "false", value: sought() });
  const form = h("form", { role: "search" }, field(t("staff-orders.find"), input, t("staff-orders.find_hint")), h("p", {}, h("button", { class: "lead" }, t("staff.search"))));
  const found = h("div", {});
  fill(room, form, found);

  let last = "";
  async function look(what) {
    fill(found);
    const { orders } = await api("GET", "/v1/staff/orders?find=" + encodeURIComponent(what));
    if (orders.length === 1 && !what.includes("@") && sought() !== what) { // whoever comes back sees what was found
      history.replaceState(null, "", "#" + encodeURIComponent(what));
      location.assign(href("/staff/orders/" + orders[0].number));
      return;
    }
    last = what;
    if (sought() !== what) location.hash = encodeURIComponent(what);
    fill(
      found,
      orders.length === 0
        ? h("p", { class: "empty", role: "status" }, t("staff-orders.none"))
        : searched(
            t("staff-orders.found"),
            [t("staff.order"), t("staff.placed"), t("staff.state"), t("staff.length"), sums(t("staff.price")), sums(t("staff.open"))],
            orders.map(row),
          ),
    );
  }

  sends(form, ({ find }) => look(find.trim()));
  addEventListener("hashchange", () => {
    if (sought() === last) return;
    input.value = sought();
    if (input.value) form.requestSubmit();
    else fill(found);
  });
  if (input.value) form.requestSubmit();
  else input.focus();
});
