// An order with its history, its money, and what of it goes back.
import { api, once } from "../api.js";
import { fill, h, href, step, url } from "../dom.js";
import { facts } from "../facts.js";
import { field, sends, shows } from "../form.js";
import { date, instant, money, rate } from "../format.js";
import { by, decide, desk, failure, history, moment, refundRows, select, situation, sum, sumInput, sums, table, typedSum } from "../staff.js";
import { t } from "../texts.js";

/** What each reason does to the license where all that was paid goes back, and where a part does (shared/payment/refund.go). */
const effects = {
  system_error: ["annulled", "keeps"],
  not_paid: ["annulled", "annulled"],
  false_data: ["annulled", "annulled"],
  breach: ["annulled", "annulled"],
  not_supplied: ["annulled", "shortened"],
  agreed: ["annulled", "shortened"],
  price_reduction: ["", "keeps"],
};

desk(["orders"], async (room, may) => {
  const number = step(2);
  const refunds = url`/v1/orders/${number}/refunds`;
  const news = h("div", {});
  const page = h("div", {}, h("div", { class: "bones" }), h("div", { class: "bones" }));
  fill(room, news, page);

  const look = () =>
    shows(page, () => Promise.all([api("GET", url`/v1/staff/orders/${number}`), may("refunds") ? api("GET", refunds) : null]), show);

  function show([o, dossier]) {
    const { buyer, license } = o;
    const name = t("staff-order.numbered", { number: o.number });
    document.querySelector("h1").textContent = name;
    document.title = name + " · Opiq";
    return [
      h("p", { class: "row" }, h("span", { class: "sum" }, money(o.price.gross)), situation(o)),
      h("dl", { class: "facts" }, facts(
        [t("staff-order.reference"), o.reference],
        [t("staff-order.buyer"), buyer.email ? [`${buyer.firstName} ${buyer.lastName}, `, h("a", { href: "mailto:" + buyer.email }, buyer.email)] : t("staff-order.closed")],
        may("holds") && buyer.email && [t("staff.holds"), h("a", { href: href("/staff/holds") + "#" + encodeURIComponent(buyer.email) }, t("staff-order.look_up"))],
        [t("staff.placed"), instant(o.placedAt)],
        [t("staff.length"), `${t("staff.months", { n: o.months })}, ${date(o.startsOn)} – ${date(o.validThrough)}`],
        [t("staff.price"), t("staff-order.price", { gross: money(o.price.gross), net: money(o.price.net), rate: rate(o.price.vatRate / 100), vat: money(o.price.vat) })],
        [t("staff-order.received"), money(o.received)],
        o.credited.amount > 0 && [t("staff-order.credited"), money(o.credited)],
        [t("staff.open"), money(o.open)],
        o.state === "placed" && [t("staff-order.expires"), instant(o.expiresAt)],
        o.invoice && [t("staff-order.invoice"), t("staff-order.invoice_due", { number: o.invoice.number, date: date(o.invoice.dueOn) })],
        o.invoice?.madeOutTo && [t("staff-order.made_out_to"), [o.invoice.madeOutTo.name, o.invoice.madeOutTo.registryCode, o.invoice.madeOutTo.email].filter(Boolean).join(", ")],
        license && [t("staff-order.license"), `${license.id}, ${t("staff.license_" + license.state)}, ${date(license.startsOn)} – ${date(license.validThrough)}`],
        license?.holds.length > 0 && [t("staff-order.held"), h("ul", {}, license.holds.map((x) => h("li", {}, t("staff.basis_" + x.basis), ", ", instant(x.since))))],
      )),
      h("h2", {}, t("staff-order.attempts")),
      o.attempts.length === 0
        ? h("p", { class: "quiet" }, t("staff-order.no_attempts"))
        : table(
            t("staff-order.attempts"),
            [t("staff.when"), t("staff.way"), t("staff.state"), sums(t("staff.amount"))],
            o.attempts.map((a) => [moment(a.startedAt), way(a), t("staff.attempt_" + a.state), sum(a.amount)]),
          ),
      dossier ? all(o, dossier) : some(o),
      h("h2", {}, t("staff.history")),
      history(told(o, dossier)),
    ];
  }

  const way = (x) => (x.bank ? `${t("staff.way_" + x.method)}, ${t("staff.bank_" + x.bank)}` : t("staff.way_" + x.method));

  /** When something was paid, as the bank wrote it. */
  function paid(at) {
    if (/^\d{4}-\d\d-\d\d$/.test(at)) return date(at);
    return /^\d{4}-\d\d-\d\dT/.test(at) ? moment(at) : at || t("staff-order.unknown");
  }

  /** The money of an order, for those who do not look after money: as its buyer sees it. */
  function some(o) {
    return [
      o.refundCases.length > 0 && [
        h("h2", {}, t("staff-order.cases")),
        table(
          t("staff-order.cases"),
          [t("staff.since"), t("staff.why"), t("staff.state"), sums(t("staff.amount"))],
          o.refundCases.map((k) => [moment(k.openedAt), t("staff.case_" + k.reason), t("staff.case_is_" + k.state), sum(k.amount)]),
        ),
      ],
      o.refunds.length > 0 && [h("h2", {}, t("staff-order.refunds")), table(t("staff-order.refunds"), ...refundRows(o.refunds))],
    ];
  }

  /** All of it, and what can be done with it. */
  function all(o, d) {
    const running = d.refunds.filter((r) => r.way === "transfer" && r.state === "requested");
    return [
      h("h2", {}, t("staff-order.payments")),
      d.payments.length === 0
        ? h("p", { class: "quiet" }, t("staff-order.no_payments"))
        : table(
            t("staff-order.payments"),
            [t("staff-order.paid_at"), t("staff.way"), t("staff-order.payer"), sums(t("staff.amount")), sums(t("staff-order.taken")), sums(t("staff-order.back")), t("staff-order.returned")],
            d.payments.map((p) => [
              paid(p.paidAt),
              way(p),
              h("p", {}, [p.payerName, p.payer].filter(Boolean).join(", ") || p.reference || t("staff-order.unknown")),
              sum(p.amount),
              sum(p.taken),
              sum(p.back),
              p.returnedAt ? instant(p.returnedAt) : "",
            ]),
          ),
      d.cases.length > 0 && [
        h("h2", {}, t("staff-order.cases")),
        table(
          t("staff-order.cases"),
          [t("staff.since"), t("staff.why"), t("staff.state"), sums(t("staff.amount"))],
          d.cases.map((k) => [moment(k.openedAt), t("staff.case_" + k.reason), t("staff.case_is_" + k.state), sum(k.amount)]),
        ),
      ],
      d.refunds.length > 0 && [h("h2", {}, t("staff-order.refunds")), table(t("staff-order.refunds"), ...refundRows(d.refunds))],
      running.length > 0 && rejecting(running),
      refunding(o, d),
    ];
  }

  /** Giving money back: only for reasons that can be, with what follows of each. */
  function refunding(o, d) {
    const reasons = [];
    if (d.cases.some((k) => k.state === "open")) reasons.push("surplus");
    if (d.order.state === "paid") reasons.push("agreed", "not_supplied", "system_error", "price_reduction", "false_data", "breach");
    if (d.order.state === "reopened") reasons.push("not_paid", "false_data", "breach");
    const title = h("h2", {}, t("staff-order.refund"));
    if (!reasons.length) return [title, h("p", { class: "quiet" }, t("staff-order.nothing_back"))];

    const reason = select("reason", [["", t("staff-order.choose")], ...reasons.map((r) => [r, t("staff.reason_" + r)])], { required: true });
    const amount = sumInput({ name: "amount" });
    const follows = h("p", { class: "note warn" });
    const turn = () => {
      follows.hidden = reason.value === "";
      if (follows.hidden) return;
      const effect = reason.value !== "surplus" && effects[reason.value][amount.value.trim() ? 1 : 0];
      const waiting = d.cases.filter((k) => k.state === "open").reduce((n, k) => n + k.amount.amount, 0);
      const most = reason.value === "surplus" ? { amount: waiting, currency: "EUR" } : d.order.received;
      follows.textContent = [t("staff-order.most", { sum: money(most) }), effect && t("staff-order.effect_" + effect), effect === "" && t("staff-order.effect_none")].filter(Boolean).join(" ");
    };
    reason.addEventListener("change", turn);
    amount.addEventListener("input", turn);
    turn();
    const form = h(
      "form",
      {},
      field(t("staff-order.reason"), reason),
      field(t("staff-order.amount"), amount, t("staff-order.amount_hint")),
      field(t("staff-order.note"), h("textarea", { name: "note", maxlength: 500, rows: 2 }), t("staff-order.note_hint")),
      h(
        "details",
        {},
        h("summary", {}, t("staff-order.elsewhere")),
        h("p", { class: "quiet" }, t("staff-order.elsewhere_hint")),
        field(t("staff-order.to_name"), h("input", { name: "to/name", maxlength: 70, autocomplete: "off" })),
        field(t("staff-order.to_iban"), h("input", { name: "to/iban", maxlength: 42, autocomplete: "off", autocapitalize: "characters", spellcheck: "false" })),
        field(t("staff-order.offset"), h("input", { name: "offset", inputmode: "numeric", maxlength: 10, autocomplete: "off" }), t("staff-order.offset_hint")),
      ),
      follows,
      h("p", {}, h("button", { class: "danger" }, t("staff-order.give_back"))),
    );
    sends(form, async (typed) => {
      const { key, done } = once(`refund ${number} ${d.refunds.length}`); // what was given back since is another refund's
      const ask = { reason: typed.reason, note: typed.note, key };
      if (typed.amount.trim()) ask.amount = typedSum(typed.amount.trim());
      if (typed.offset.trim()) ask.offset = typed.offset.trim();
      const iban = typed["to/iban"].replace(/\s/g, "").toUpperCase();
      if (iban || typed["to/name"]) ask.to = { name: typed["to/name"], iban };
      await decide(news, look, async () => {
        const made = await api("POST", refunds, ask, { key });
        done();
        await look();
        return made.refunds.length ? t("staff-order.given", { n: made.refunds.length }) : t("staff-order.annulled");
      });
    });
    return [title, form];
  }

  /** What our bank did not carry out is a case again. */
  function rejecting(running) {
    const which = select("refund", running.map((r) => [r.id, t("staff-order.transfer", { sum: money(r.amount), date: instant(r.at) })]));
    const form = h(
      "form",
      {},
      field(t("staff-order.rejected_which"), which),
      field(t("staff-order.rejected_why"), h("input", { name: "reason", required: true, maxlength: 500, autocomplete: "off" })),
      h("p", {}, h("button", {}, t("staff-order.reject"))),
    );
    sends(form, async ({ refund, reason }) => {
      await decide(news, look, async () => {
        await api("POST", url`/v1/orders/${number}/refunds/${refund}/rejection`, { reason });
        await look();
        return t("staff-order.rejected");
      });
    });
    return h("details", {}, h("summary", {}, t("staff-order.rejection")), h("p", { class: "quiet" }, t("staff-order.rejection_hint")), form);
  }

  /** All that happened, from wherever it is written. */
  function told(o, dossier) {
    const who = (x) => (x === o.buyer.account ? t("staff.by_buyer") : x === "time" ? t("staff.by_time") : "");
    const was = (x) => ({ at: x.at, what: t("staff.order_was_" + x.event), by: who(x.by) });
    return [
      was(o.history[0]),
      ...o.attempts.map((a) => ({ at: a.startedAt, what: t("staff-order.tried", { way: way(a) }), by: t("staff.by_buyer") })),
      ...o.attempts.filter((a) => a.endedAt).map((a) => ({ at: a.endedAt, what: `${way(a)}: ${t("staff.attempt_" + a.state)}` })),
      ...o.history.slice(1).map(was),
      ...(o.license?.events ?? []).map((x) => ({ at: x.at, what: t("staff.license_was_" + x.event.split("_")[0]) })),
      ...(dossier?.cases ?? o.refundCases).map((k) => ({ at: k.openedAt, what: t("staff-order.case_opened", { sum: money(k.amount) }), reason: t("staff.case_" + k.reason) })),
      ...(dossier?.refunds ?? o.refunds).flatMap((r) => [
        { at: r.at ?? r.requestedAt, what: t("staff-order.refund_asked", { sum: money(r.amount) }), by: r.by && by(r.by), reason: [r.reason && t("staff.reason_" + r.reason), r.note].filter(Boolean).join(": ") },
        ...(r.endedAt ? [{ at: r.endedAt, what: t("staff-order.refund_ended", { sum: money(r.amount), state: t("staff.refund_" + r.state) }), reason: r.trouble && failure(r.trouble) }] : []),
      ]),
    ];
  }

  await look();
});
