// How an order is paid: the ways there are, and setting out on one.
import { api, once, Problem } from "./api.js";
import { h, href } from "./dom.js";
import { facts, tag as state } from "./facts.js";
import { field } from "./form.js";
import { date, money, rate } from "./format.js";
import { t } from "./texts.js";

/** The banks and the other ways to pay. */
export const offer = () => api("GET", "/v1/payment-methods");

/** A way to pay as one word: "bank_link seb", "card". */
export const word = (way) => [way.method, way.bank].filter(Boolean).join(" ");

/** The way that a word stands for, undefined where there is none such. */
export const way = (offered, said) => ways(offered).find((w) => word(w) === said);

/** What a way is called. */
export function called(offered, { method, bank }) {
  if (!bank) return t("pay." + method);
  return offered.banks.find((b) => b.bank === bank)?.name ?? t("pay.bank_link");
}

function ways(offered) {
  const all = [];
  for (const method of offered.methods) {
    if (method === "bank_link") all.push(...offered.banks.map(({ bank }) => ({ method, bank })));
    else all.push({ method });
  }
  return all;
}

/**
 * The choice of a way among some methods, as part of a form: its control is "way". With the invoice goes who it is made out to.
 */
export function choice(offered, methods, chosen) {
  const open = ways(offered).filter((w) => methods.includes(w.method));
  const invoice = open.some((w) => w.method === "invoice") ? buyer(kept()) : null;
  const pick = (w, hint) => field(called(offered, w), h("input", { type: "radio", name: "way", value: word(w), checked: word(w) === chosen }), hint);
  const banks = open.filter((w) => w.bank);
  const others = open.filter((w) => !w.bank).map((w) => pick(w, t(`pay.${w.method}_hint`)));
  const part = h(
    "fieldset",
    {},
    h("legend", {}, t("pay.how")),
    banks.length > 0 && h("div", { role: "group", "aria-labelledby": "banks" }, h("p", { id: "banks" }, t("pay.bank_link")), h("div", { class: "picks short" }, banks.map((w) => pick(w)))),
    h("div", { class: "picks" }, others),
    invoice,
  );
  const radios = [...part.querySelectorAll("[name=way]")];
  const look = () => {
    const now = radios.find((r) => r.checked)?.value;
    radios[0]?.setCustomValidity(now ? "" : t("pay.choose"));
    invoice?.shown(now === "invoice");
  };
  part.addEventListener("change", look);
  look();
  return part;
}

const codes = "[A-Za-z0-9 \\-]*";

// Who an invoice is made out to, where that is not the person who orders.
function buyer(typed) {
  const tick = h("input", { type: "checkbox", name: "organization", checked: typed.organization });
  const input = (name, attributes) => h("input", { name: "buyer/" + name, value: typed["buyer/" + name], ...attributes });
  const fields = h(
    "fieldset",
    { class: "card" },
    h("legend", { class: "unseen" }, t("pay.buyer")),
    h("p", { class: "hint" }, t("pay.name_only")),
    field(t("pay.buyer_name"), input("name", { required: true, maxlength: 100, autocomplete: "organization" })),
    field(t("pay.buyer_code"), input("registryCode", { maxlength: 15, pattern: codes })),
    field(t("pay.buyer_vat"), input("vatNumber", { maxlength: 15, pattern: codes })),
    field(t("pay.buyer_address"), input("address", { maxlength: 200, autocomplete: "street-address" })),
    field(t("pay.buyer_email"), input("email", { type: "email", maxlength: 254 }), t("pay.buyer_email_hint")),
  );
  const part = h("div", {}, field(t("pay.organization"), tick), fields);
  const look = () => (fields.hidden = fields.disabled = part.hidden || !tick.checked);
  tick.addEventListener("change", look);
  part.shown = (yes) => {
    part.hidden = !yes;
    look();
  };
  return part;
}

/** Keeps for this tab what was typed about who an invoice is made out to: it stands in no address. */
export const keep = (values) => sessionStorage.setItem("buyer", JSON.stringify(values));

/** What was typed about that before. */
export const kept = () => JSON.parse(sessionStorage.getItem("buyer") ?? "{}");

/** Who the invoice is made out to by a form's values, undefined for the person who orders. */
export function buyerOf(values) {
  if (values.way !== "invoice" || !values.organization) return undefined;
  const filled = Object.entries(values).filter(([name, value]) => name.startsWith("buyer/") && value);
  return Object.fromEntries(filled.map(([name, value]) => [name.slice("buyer/".length), value]));
}

/** What is bought, and what it costs. */
export function bought({ months, startsOn, validThrough, price }) {
  return facts(
    [t("pay.license"), t("pay.months", { n: months })],
    [t("pay.valid"), t("pay.period", { from: date(startsOn), through: date(validThrough) })],
    [t("pay.net"), money(price.net)],
    [t("pay.vat", { rate: rate(price.vatRate / 100) }), money(price.vat)],
    [t("pay.total"), h("b", {}, money(price.gross))],
  );
}

/** How a situation looks. */
const signs = { waiting: "warn", invoiced: "warn", paid_in_part: "warn", paid: "good", paid_too_much: "good", to_pay: "warn", failed: "bad", owed_again: "bad" };

/** What a person is told of an order first. A price whose time is up has expired, though nobody has ended the order yet. */
export function situation(order) {
  const open = ["to_pay", "invoiced", "paid_in_part", "failed"].includes(order.situation);
  return open && order.payWith.length === 0 ? "expired" : order.situation;
}

/** A situation in a word. */
export const tag = (s) => state(signs[s], t("pay.is_" + s));

/** The class of the note about a situation: calm, where nothing has gone wrong. */
export const sign = (situation) => (signs[situation] ?? "").replace("warn", "");

// Whatever kept somebody from setting out: this payment has taken nothing. What the order is by now, its page says.
class Unpaid extends Problem {
  constructor(p) {
    super(p.status, { code: p.code, detail: p.detail, errors: p.fields }, p.wait);
  }

  get text() {
    return /^order_/.test(this.code) ? super.text : super.text + " " + t("pay.not_paid");
  }
}

/** Does what leads to paying; who cannot hears that it has taken nothing. */
export async function unpaid(act) {
  try {
    return await act();
  } catch (problem) {
    throw problem instanceof Problem ? new Unpaid(problem) : problem;
  }
}

/**
 * Sets out to pay an order, and leaves the page. The same way is the same attempt until that has ended: whoever comes back without having
 * paid, or has paid and does not know, cannot pay it twice there. The back button leads to the order. Before the page is left, leave is
 * called.
 */
export async function setOut(order, { method, bank }, buyer, leave) {
  const ended = order.attempts.filter((a) => a.state !== "started").length;
  const { key } = once(["pay", order.number, method, bank, ended, order.open.amount].join(" "));
  const to = await unpaid(() => api("POST", `/v1/orders/${order.number}/payments`, { method, bank, buyer }, { key }));
  leave?.();
  const page = "/orders/" + order.number;
  history.replaceState(null, "", href(page));
  if (to.invoice) location.assign(href(page + "/invoice"));
  else if (to.redirect) location.assign(to.redirect);
  else post(to.form);
  await new Promise((done) => setTimeout(done, 10_000)); // by then the page is left, or leaving was stopped
}

function post({ action, method, fields }) {
  const form = h("form", { action, method, hidden: true }, Object.entries(fields).map(([name, value]) => h("input", { type: "hidden", name, value })));
  document.body.append(form);
  form.submit();
}
