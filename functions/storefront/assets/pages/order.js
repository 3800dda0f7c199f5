// One order: what has become of it, told by the server and followed while it may change, and what its buyer can do next.
import { api, Problem } from "../api.js";
import { fill, h, href, paper, place, rich, step, tell } from "../dom.js";
import { facts } from "../facts.js";
import { button, sends, trouble, values } from "../form.js";
import { date, instant, money } from "../format.js";
import { bought, buyerOf, called, choice, keep, kept, offer, setOut, sign, situation, tag, way, word } from "../pay.js";
import { t } from "../texts.js";

const number = step(1);
const path = "/v1/orders/" + encodeURIComponent(number);
const lost = h("div", { role: "status" });
const part = h("div");
let order, offered;

/** The last attempt, or the last that is in a state. */
function last(state) {
  const all = order.attempts.filter((a) => !state || a.state === state);
  return all.sort((a, b) => a.startedAt.localeCompare(b.startedAt) || (a.endedAt ?? "").localeCompare(b.endedAt ?? "")).at(-1);
}

/** The attempt whose answer is waited for. */
const awaited = () => last("started") ?? last();

/** How long ago something was, in seconds. */
const since = (at) => (Date.now() - Date.parse(at)) / 1000;

/** The license of a paid order in a sentence. */
function licensed() {
  const state = order.license?.state;
  if (state === "suspended") return rich("order.paid_suspended", { licenses: "/licenses" });
  return t({ active: "order.paid_active", scheduled: "order.paid_scheduled", expired: "order.paid_expired" }[state] ?? "order.paid_text");
}

/** The way to pay again for who knows that they have not paid. */
const didNot = () => h("details", {}, h("summary", {}, t("order.did_not")), h("p", {}, t("order.did_not_text")), pays());

/** What each situation says, and what can be done in it. */
const told = {
  to_pay: () => {
    const attempt = last("started"); // long ago: it may have been paid, and nobody told us
    if (!attempt) return { title: t("order.to_pay"), texts: [t("order.to_pay_text")], next: pays() };
    return { title: t("order.no_answer", { way: called(offered, attempt) }), texts: [t("order.no_answer_text")], next: didNot() };
  },
  waiting: () => {
    const attempt = awaited();
    return {
      title: t("order.waiting_" + attempt.method, { way: called(offered, attempt) }),
      texts: [t(slow() ? "order.waiting_long" : "order.waiting_text")],
      next: didNot(),
    };
  },
  invoiced: () => ({
    title: t("order.invoiced"),
    texts: [t("order.invoiced_text", { invoice: order.invoice.number }), unanswered()],
    next: [toInvoice(), otherWay(t("order.transfer_made"))],
  }),
  paid_in_part: () => ({
    title: t("order.paid_in_part", { received: money(order.received), open: money(order.open) }),
    texts: [t("order.paid_in_part_text"), unanswered()],
    next: order.invoice ? [toInvoice(), otherWay(t("order.transfer_made"))] : pays(),
  }),
  failed: () => {
    const { method, bank } = last("failed");
    const again = { method, bank };
    const name = called(offered, again);
    return {
      title: t("order.failed"),
      texts: [t("order.failed_" + method, { way: name }), t("order.failed_but"), unanswered()],
      next: [
        h("p", {}, button(t("order.same_again", { way: name }), () => setOut(order, again), { class: "lead" })),
        order.invoice && toInvoice(),
        otherWay(),
      ],
    };
  },
  paid: () => ({ title: t("order.paid"), texts: [licensed()], next: reads() }),
  paid_too_much: () => ({ title: t("order.paid_too_much"), texts: [t("order.paid_too_much_text"), licensed()], next: reads() }),
  owed_again: () => ({ title: t("order.owed_again"), texts: [t("order.owed_again_text", { open: money(order.open) }), unanswered()], next: pays() }),
  cancelled: () => ({ title: t("order.cancelled"), texts: [t("order.cancelled_text")], next: orderAgain() }),
  expired: () => ({ title: t("order.expired"), texts: [t("order.expired_text"), order.received.amount > 0 && t("order.expired_part", { received: money(order.received) })], next: orderAgain() }),
  annulled: () => ({ title: t("order.annulled"), texts: [t("order.annulled_text")], next: orderAgain() }),
};

/** A warning before anybody pays again. */
function unanswered() {
  const attempt = last("started");
  return attempt && t("order.unanswered", { way: called(offered, attempt) });
}

const link = (to, text, lead) => h("a", { class: lead ? "button lead" : "button", href: href(to) }, text);
const toInvoice = () => h("p", {}, link(`/orders/${number}/invoice`, t("order.open_invoice"), true));
const orderAgain = () => h("p", {}, link("/checkout?months=" + order.months, t("order.new_order")));
const otherWay = (warning) =>
  h("details", {}, h("summary", {}, t("order.another_way")), warning && h("p", { class: "note warn" }, warning), pays());

function reads() {
  const state = order.license?.state;
  return state !== "expired" && h("p", { class: "row" }, state === "active" && link("/library", t("order.read"), true), link("/licenses", t("common.licenses")));
}

/** The form by which the order is paid. An invoice that there is already is no choice any more. */
function pays() {
  const methods = order.payWith.filter((m) => m !== "invoice" || !order.invoice);
  if (methods.length === 0) return null;
  if (!offered.methods.length) return h("p", {}, button(t("common.again"), () => location.reload()));
  const pay = h("button", { class: "lead" }, t("order.pay", { sum: money(order.open) }));
  const tried = order.attempts.length > 0 && word(last());
  const form = h("form", {}, choice(offered, methods, tried), pay);
  form.addEventListener("change", () => {
    pay.textContent = form.elements.way.value === "invoice" ? t("order.take_invoice") : t("order.pay", { sum: money(order.open) });
  });
  sends(form, async (v) => {
    keep(v);
    try {
      await setOut(order, way(offered, v.way), buyerOf(v));
    } catch (problem) {
      if (/^order_/.test(problem.code)) await look(); // it is paid, or over, by now: the page says so
      throw problem;
    }
  });
  return form;
}

function about() {
  const paid = order.paidAt && instant(order.paidAt);
  const some = (m) => m.amount > 0 && money(m);
  const unpaid = ["placed", "reopened"].includes(order.state);
  return h(
    "section",
    {},
    h("h2", {}, t("order.about")),
    h(
      "dl",
      { class: "facts" },
      facts([t("order.placed"), instant(order.placedAt)]),
      bought(order),
      facts(
        [t("order.received"), some(order.received)],
        [t("order.credited"), some(order.credited)],
        [t("order.open"), unpaid && order.received.amount > 0 && money(order.open)],
        [t("order.pay_by"), order.state === "placed" && (order.invoice ? date(order.invoice.dueOn) : instant(order.expiresAt))],
        [t("order.paid_at"), paid],
      ),
    ),
  );
}

function papers() {
  const credits = new Set(order.refunds.map((r) => r.credit).filter(Boolean));
  const all = [
    order.invoice && h("a", { href: href(`/orders/${number}/invoice`) }, t("order.invoice", { number: order.invoice.number })),
    order.state === "paid" && paper(path + "/receipt.pdf", t("order.receipt")),
    ...[...credits].map((credit) => paper(`${path}/credits/${credit}.pdf`, t("order.credit", { number: credit }))),
  ].filter(Boolean);
  return all.length > 0 && h("section", {}, h("h2", {}, t("order.papers")), h("ul", {}, all.map((a) => h("li", {}, a))));
}

/** What happens with money that the order does not keep. */
function back() {
  const line = (sum, kind, label, at, ...texts) => {
    const head = [h("b", { class: "sum" }, money(sum)), h("span", { class: "tag " + kind }, label), h("span", { class: "quiet" }, instant(at))];
    return h("li", { class: "card" }, h("p", { class: "row" }, head), texts.filter(Boolean).map((text) => h("p", {}, text)));
  };
  const help = { help: "/help" };
  const cases = order.refundCases.filter((c) => c.state !== "given").map((c) => {
    const why = t("order.why_" + c.reason);
    if (c.state === "void") return line(c.amount, "", t("order.case_void"), c.openedAt, why, c.reason !== "charged_back" && t("order.case_void_text"));
    return line(c.amount, "warn", t("order.case_open"), c.openedAt, why, c.reason === "returned" ? rich("order.case_tell_us", help) : t("order.case_text"));
  });
  const refunds = order.refunds.map((r) => {
    const way = {
      card: () => t("order.refund_card"),
      transfer: () => t((r.state === "done" ? "order.returned_" : "order.refund_") + (r.account ? "transfer" : "back"), { account: r.account }),
      offset: () => rich("order.refund_offset", { order: "/orders/" + r.offset }, { number: r.offset }),
    }[r.way];
    const said = r.state === "failed" ? t("order.refund_again") : way();
    const kind = { requested: "warn", done: "good", failed: "bad" }[r.state];
    return line(r.amount, kind, t("order.refund_" + r.state), r.endedAt ?? r.requestedAt, r.reason && t("order.why_" + r.reason), said);
  });
  return cases.length + refunds.length > 0 && h("section", {}, h("h2", {}, t("order.back")), h("ul", { class: "list" }, cases, refunds));
}

function tries() {
  if (order.attempts.length === 0) return null;
  const items = order.attempts.map((a) => {
    const waits = a.state === "started" && order.situation === "waiting" && a.id === awaited().id;
    const state = waits ? tag("waiting") : h("span", { class: "tag " + { started: "", succeeded: "good", failed: "bad" }[a.state] }, t("order.try_" + a.state));
    return h("li", {}, t("order.try", { when: instant(a.startedAt), way: called(offered, a), sum: money(a.amount) }), " ", state);
  });
  return h("details", {}, h("summary", {}, t("order.tries")), h("ul", {}, items));
}

function cancels() {
  if (order.state !== "placed") return null;
  const act = async () => {
    try {
      await api("DELETE", path);
    } finally {
      await look();
    }
  };
  const really = button(t("order.cancel"), act, { class: "danger" });
  return h("details", {}, h("summary", {}, t("order.cancel")), h("p", {}, t("order.cancel_text")), h("p", {}, really));
}

/** Whether an answer takes longer than it usually does. */
const slow = () => order.situation === "waiting" && since(awaited().startedAt) >= 120;

let shown; // as text: what is the same is not shown anew

/** Shows the order as it is. What a person had opened or chosen stays so. */
function show() {
  shown = JSON.stringify([order, slow()]);
  const opened = [...part.querySelectorAll("details[open] > summary")].map((s) => s.textContent);
  const form = part.querySelector("form");
  if (form) keep(values(form));
  const chosen = form && kept().way;
  const here = part.contains(document.activeElement);
  const now = situation(order);
  const { title, texts, next } = told[now]();
  const note = h("div", { class: "note " + sign(now), tabindex: "-1" }, h("h2", {}, title), texts.filter(Boolean).map((text) => h("p", {}, text)));
  fill(part, note, next, back(), about(), papers(), tries(), cancels(), h("p", {}, h("a", { href: href("/orders") }, t("order.all"))));
  for (const s of part.querySelectorAll("details > summary")) s.parentElement.open = opened.includes(s.textContent);
  for (const r of part.querySelectorAll("[name=way]")) if (r.value === chosen) r.click();
  if (here) note.focus({ preventScroll: true });
}

/** Asks for the order; what is new is shown and said. */
async function look() {
  const before = situation(order);
  order = await api("GET", path, undefined, { still: true });
  if (shown === JSON.stringify([order, slow()])) return;
  show();
  if (situation(order) !== before) tell(part.querySelector("h2").textContent);
}

/** How long to wait before the order is asked for again; what does not change by itself is not asked for. */
function pause(asked) {
  if (order.situation === "waiting") return Math.min(1000 + 250 * asked, since(awaited().startedAt) < 300 ? 8000 : 30_000);
  const open = ["placed", "reopened"].includes(order.state) || (order.state === "paid" && !order.license);
  return open ? 30_000 : undefined;
}

/** Waits for some time, or until somebody looks at the page again or the network is back. Nobody asks for a page that is not seen. */
const wait = (ms) =>
  new Promise((done) => {
    const woken = () => {
      if (document.hidden) return;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", woken);
      removeEventListener("online", woken);
      done();
    };
    const timer = ms !== undefined && setTimeout(woken, ms);
    document.addEventListener("visibilitychange", woken);
    addEventListener("online", woken);
  });

async function follow() {
  let rest; // until the next try, where the last one went wrong
  for (let asked = 0, last = order.situation; ; asked++) {
    if (order.situation !== last) [asked, last] = [0, order.situation];
    await wait(rest ?? pause(asked));
    try {
      await look();
      rest = undefined;
      fill(lost);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      const offline = problem.code === "offline";
      rest = offline ? 5000 : 1000 * (problem.wait ?? 30);
      if (offline && !lost.hasChildNodes()) fill(lost, h("div", { class: "note warn" }, h("p", {}, t("order.lost"))));
    }
  }
}

/** Sends the form for the invoice as it was typed before. */
function again() {
  const form = part.querySelector("form");
  const invoice = form && [...form.querySelectorAll("[name=way]")].find((r) => r.value === "invoice");
  if (!invoice) return;
  invoice.click();
  form.requestSubmit();
}

async function start() {
  place().setAttribute("aria-busy", "true");
  try {
    const unknown = () => ({ methods: [], banks: [] }); // what has become of the order is told all the same
    [offered, order] = await Promise.all([offer().catch(unknown), api("GET", path)]);
  } catch (problem) {
    const retry = h("button", { type: "button", onclick: start }, t("common.again"));
    fill(place(), trouble(problem), h("p", { class: "row" }, retry, link("/orders", t("order.all"))));
    return;
  }
  const name = t("pay.order", { number });
  document.title = document.title.replace(/^[^·]*/, name + " ");
  document.querySelector("h1").textContent = name;
  const code = sessionStorage.getItem("trouble " + number);
  sessionStorage.removeItem("trouble " + number);
  const refused = code === "invalid"; // who the invoice is made out to: sent again from here, the form names what is wrong
  fill(place(), code && !refused && trouble(new Problem(0, { code }), h("p", {}, t("pay.not_paid"))), lost, part);
  show();
  follow();
  if (refused) again();
}

start();
