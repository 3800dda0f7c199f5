// Ordering in three steps: months and start, way to pay, payment. What was chosen stands in the address, so that a reload, the back button
// and signing in on the way lose nothing. Nothing is ordered before the last step.
import { api, forget, once, Problem, who } from "../api.js";
import { fill, h, href, place, rich } from "../dom.js";
import { facts } from "../facts.js";
import { field, sends, trouble } from "../form.js";
import { date, money, today } from "../format.js";
import { bought, buyerOf, called, choice, keep, kept, offer, setOut, unpaid, way, word } from "../pay.js";
import { language, t } from "../texts.js";

const main = h("div");
const sum = h("section", { "aria-label": t("checkout.yours") });
let plans, terms, offered;
let mine = null; // licenses and orders of who is signed in

/** What was chosen so far, as the address has it. */
function chosen() {
  const q = new URLSearchParams(location.search);
  const months = plans.plans.some((p) => p.months === Number(q.get("months"))) ? Number(q.get("months")) : plans.plans[0].months;
  const asked = q.get("from") ?? mine?.access.renewOn ?? today();
  const from = wrongDay(asked) ? (mine?.access.renewOn ?? today()) : asked;
  const pays = way(offered, q.get("way"));
  return { months, from, way: pays, step: Math.max(1, Math.min(Number(q.get("step")) || 1, pays ? 3 : 2)) };
}

/** The address of a step with what was chosen. */
function address(step, now) {
  const q = new URLSearchParams(location.search);
  q.set("months", now.months);
  q.set("from", now.from);
  if (now.way) q.set("way", word(now.way));
  q.set("step", step);
  return "/checkout?" + q;
}

function go(step, now) {
  history.pushState(null, "", address(step, now));
  show(true);
}

const days = (d, n) => new Date(Date.parse(d) + n * 86_400_000).toISOString().slice(0, 10);

/** The day so many months later: the last of its month, where that has no such day. */
function later(d, months) {
  const [year, month, day] = d.split("-").map(Number);
  const last = new Date(Date.UTC(year, month - 1 + months + 1, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 + months, Math.min(day, last))).toISOString().slice(0, 10);
}

/** Why a license cannot start on a day, "" where it can. */
function wrongDay(d) {
  if (!/^\d{4}-\d\d-\d\d$/.test(d) || Number.isNaN(Date.parse(d))) return t("checkout.no_date");
  if (d < today()) return t("checkout.past");
  return d > days(today(), 365) ? t("checkout.far") : "";
}

const plan = (months) => plans.plans.find((p) => p.months === months);

/** Shows the step that the address names; where somebody went there, with what there is to say, the focus goes along. */
function show(went, ...said) {
  const now = chosen();
  summary(now);
  const title = h("h2", { tabindex: "-1" }, t("checkout.step_" + now.step));
  fill(main, steps(now), title, said, [time, method, payment][now.step - 1](now));
  if (!went) return;
  (said[0] ?? title).focus({ preventScroll: true });
  scrollTo(0, 0);
}

function steps(now) {
  const items = [1, 2, 3].map((n) => {
    const name = t("checkout.step_" + n);
    const link = (e) => {
      e.preventDefault();
      go(n, chosen());
    };
    return h("li", { class: n < now.step && "done", "aria-current": n === now.step && "step" }, n < now.step ? h("a", { href: address(n, now), onclick: link }, name) : name);
  });
  return h("nav", { "aria-label": t("checkout.steps") }, h("ol", { class: "steps" }, items));
}

/** The summary, always in view. */
function summary(now) {
  const { price } = plan(now.months);
  const through = days(later(now.from, now.months), -1);
  const rows = bought({ months: now.months, startsOn: now.from, validThrough: through, price });
  const open = sum.querySelector("details")?.open ?? matchMedia("(min-width: 56rem)").matches;
  const line = [t("pay.months", { n: now.months }), " · ", money(price.gross), h("span", { class: "hint" }, t("pay.period", { from: date(now.from), through: date(through) }))];
  fill(sum, h("details", { open }, h("summary", {}, line), h("dl", { class: "facts" }, rows, facts([t("pay.way"), now.way && called(offered, now.way)]))));
}

function time(now) {
  const options = plans.plans.map((p) => {
    const total = money(p.price.gross);
    const hint = p.months > 1 ? t("checkout.per_month", { total, month: money(p.perMonth) }) : total;
    return field(t("pay.months", { n: p.months }), h("input", { type: "radio", name: "months", value: p.months, checked: p.months === now.months }), hint);
  });
  const day = h("input", { type: "date", name: "startsOn", value: now.from, min: today(), max: days(today(), 365), required: true });
  const form = h(
    "form",
    {},
    h("fieldset", {}, h("legend", {}, t("checkout.how_long")), h("div", { class: "picks" }, options)),
    mine?.access.validThrough && h("p", { class: "note" }, t("checkout.have", { through: date(mine.access.validThrough) })),
    field(t("checkout.starts"), day, t("checkout.starts_hint")),
    h("button", { class: "lead" }, t("checkout.next")),
  );
  const look = () => {
    day.setCustomValidity(day.value && wrongDay(day.value));
    const months = Number(form.elements.months.value);
    if (!day.value || wrongDay(day.value)) return;
    history.replaceState(null, "", address(1, { ...chosen(), months, from: day.value }));
    summary(chosen());
  };
  form.addEventListener("input", look);
  sends(form, () => go(2, chosen()));
  return [unfinished(), form];
}

/** An order that is not paid may be the very one that is wanted. */
function unfinished() {
  const waits = mine?.orders.find((o) => o.payWith.length > 0);
  return waits && h("p", { class: "note" }, rich("checkout.unpaid", { order: "/orders/" + waits.number }, { number: waits.number }));
}

function method(now) {
  const form = h("form", {}, choice(offered, offered.methods, now.way && word(now.way)), h("button", { class: "lead" }, t("checkout.next")));
  form.addEventListener("change", () => {
    const pays = way(offered, form.elements.way.value);
    if (!pays) return;
    history.replaceState(null, "", address(2, { ...now, way: pays }));
    summary(chosen());
  });
  sends(form, (v) => {
    keep(v);
    go(3, { ...now, way: way(offered, v.way) });
  });
  return form;
}

function payment(now) {
  const { price } = plan(now.months);
  const through = days(later(now.from, now.months), -1);
  const invoiced = now.way.method === "invoice";
  const buyer = invoiced ? buyerOf(kept()) : undefined;
  const review = h(
    "dl",
    { class: "facts" },
    bought({ months: now.months, startsOn: now.from, validThrough: through, price }),
    facts([t("pay.way"), called(offered, now.way)], [t("pay.made_out_to"), invoiced && (buyer?.name ?? t("checkout.yourself"))]),
  );
  if (!mine) return [review, account()];
  const link = rich("checkout.terms", { terms: "/terms/order" });
  for (const a of link.filter((part) => part instanceof Element)) {
    a.target = "_blank";
    a.append(h("span", { class: "unseen" }, " ", t("checkout.new_tab")));
  }
  const form = h(
    "form",
    {},
    field(link, h("input", { type: "checkbox", name: "orderTerms", required: true })),
    field(t("checkout.supply"), h("input", { type: "checkbox", name: "immediateSupply", required: true })),
    h("p", { class: "quiet" }, t("checkout.leave_" + now.way.method, { way: called(offered, now.way) })),
    h("button", { class: "lead" }, t(invoiced ? "checkout.order_invoice" : "checkout.order_pay", { sum: money(price.gross) })),
  );
  sends(form, () => buy(now, buyer));
  const until = mine.access.validThrough;
  const twice = until && now.from <= until && through > mine.access.from.slice(0, 10); // midnight here is the evening before in UTC
  return [unfinished(), review, twice && h("p", { class: "note warn" }, t("checkout.overlap", { through: date(until) })), form];
}

/** Who is not signed in signs in, and comes back to this step. */
function account() {
  const next = "?next=" + encodeURIComponent(location.pathname + location.search);
  return [
    h("p", { class: "note" }, t("checkout.account")),
    h(
      "p",
      { class: "row" },
      h("a", { class: "button lead", href: href("/signup" + next) }, t("checkout.signup")),
      h("a", { class: "button", href: href("/signin" + next) }, t("common.signin")),
    ),
  ];
}

/** Orders, and sets out to pay. What stands in the way is told with the page of the order, once there is one. */
async function buy(now, buyer) {
  const wish = { months: now.months, startsOn: now.from, orderTerms: terms.version, immediateSupply: true, priceList: plans.validFrom };
  const { key, done } = once("order " + JSON.stringify(wish));
  let order;
  try {
    order = await unpaid(() => api("POST", "/v1/orders", wish, { key }));
  } catch (problem) {
    const changed = problem.fields?.length ? impossible : { price_changed: priced, terms_outdated: outdated }[problem.code];
    if (!changed) throw problem;
    await changed(now, buyer);
    return;
  }
  try {
    await setOut(order, now.way, buyer, done);
    const page = h("a", { href: href("/orders/" + order.number) }, t("pay.order", { number: order.number }));
    fill(place(), h("p", { class: "note" }, page)); // leaving takes long, or was stopped: nothing is ordered again
  } catch (problem) {
    if (problem.code === "offline") throw problem; // tried again, it is the same order
    done();
    if (problem instanceof Problem) sessionStorage.setItem("trouble " + order.number, problem.code);
    location.replace(href("/orders/" + order.number));
  }
}

const warning = (text) => h("p", { class: "note warn", role: "alert", tabindex: "-1" }, text);

/** The price list has changed: the new price is shown, and nothing is ordered. What caches know of the old list is passed by. */
async function priced(now, buyer) {
  const { validFrom } = plans;
  const before = plan(now.months).price.gross;
  plans = await api("GET", "/v1/catalog/plans?after=" + validFrom);
  const after = plan(now.months)?.price.gross;
  if (!after) impossible(now);
  else if (after.amount === before.amount && plans.validFrom !== validFrom) await buy(now, buyer); // another list, the same price
  else show(true, warning(t("checkout.price_changed", { before: money(before), now: money(after) })));
}

async function outdated() {
  terms = await api("GET", "/v1/terms/order?lang=" + language + "&after=" + encodeURIComponent(terms.version));
  show(true, warning(t("checkout.terms_changed")));
}

function impossible(now) {
  history.pushState(null, "", address(1, now));
  show(true, warning(t("checkout.choose_again")));
}

/** What who is signed in has already; null where nobody is. */
async function own() {
  if (!who()) return null;
  try {
    const [{ access }, { orders }] = await Promise.all(["/v1/licenses", "/v1/orders"].map((path) => api("GET", path, undefined, { quiet: true })));
    return { access, orders };
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    forget();
    return null;
  }
}

async function start() {
  place().setAttribute("aria-busy", "true");
  try {
    const known = [api("GET", "/v1/catalog/plans"), api("GET", "/v1/terms/order?lang=" + language), offer(), own()];
    [plans, terms, offered, mine] = await Promise.all(known);
    if (plans.plans.length === 0) {
      fill(place(), h("p", { class: "note" }, t("checkout.no_plans")));
      return;
    }
    fill(place(), h("div", { class: "aside" }, main, sum));
    show(false);
  } catch (problem) {
    fill(place(), trouble(problem), h("p", {}, h("button", { type: "button", onclick: start }, t("common.again"))));
  }
}

addEventListener("popstate", () => (location.pathname === "/checkout" ? show(true) : location.reload()));
start();
