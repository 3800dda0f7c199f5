// All orders of who is signed in, the newest first.
import { api } from "../api.js";
import { h, href, place } from "../dom.js";
import { shows } from "../form.js";
import { date, instant, money } from "../format.js";
import { situation, tag } from "../pay.js";
import { t } from "../texts.js";

const link = (to, text, lead) => h("p", {}, h("a", { class: lead ? "button lead" : "button", href: href(to) }, text));

/** Of what is not paid the order itself knows more than the list: whether somebody has set out to pay it. */
const whole = (o) => (o.payWith.length > 0 ? api("GET", "/v1/orders/" + o.number).catch(() => o) : o);

function line(o) {
  const period = t("pay.period", { from: date(o.startsOn), through: date(o.validThrough) });
  return h(
    "li",
    { class: "card" },
    h("h2", { class: "row" }, h("a", { href: href("/orders/" + o.number) }, t("pay.order", { number: o.number })), tag(situation(o))),
    h("p", {}, t("orders.line", { months: t("pay.months", { n: o.months }), period }), " · ", h("b", {}, money(o.price.gross))),
    h("p", { class: "quiet" }, t("orders.placed", { when: instant(o.placedAt) })),
  );
}

shows(place(), "/v1/orders", async ({ orders }) => {
  if (orders.length === 0) return h("div", { class: "empty" }, h("p", {}, t("orders.empty")), link("/plans", t("orders.plans"), true));
  const all = await Promise.all(orders.map((o, i) => (i < 20 ? whole(o) : o)));
  return [h("ul", { class: "list" }, all.map(line)), link("/checkout", t("orders.new"))];
});
