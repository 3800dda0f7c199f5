// One bank entry, and what becomes of it.
import { api } from "../api.js";
import { fill, h, step, url } from "../dom.js";
import { facts, tag } from "../facts.js";
import { field, sends, shows } from "../form.js";
import { date, money } from "../format.js";
import { asTyped, by, decide, desk, history, orderLink, radios, several, sumInput, typedSum } from "../staff.js";
import { t } from "../texts.js";

const kinds = { waiting: "warn", new: "warn", allocated: "good", allocated_with_remainder: "good", settled_elsewhere: "good", ignored: "" };
const most = 12; // orders that one entry can pay

desk(["entries"], async (room) => {
  const path = url`/v1/reconciliation/${step(2)}`;
  const news = h("div", {});
  const page = h("div", {}, h("div", { class: "bones" }));
  fill(room, news, page);

  const look = () => shows(page, path, show);

  const decided = (decision, said) =>
    decide(news, look, async () => {
      fill(page, show(await api("POST", path + "/decision", decision)));
      return said;
    });

  function show(e) {
    const open = e.state === "new" || e.state === "waiting";
    const amount = e.amount ? money(e.amount) : `${e.original.amount} ${e.original.currency}`;
    return [
      h("p", { class: "row" }, h("span", { class: "sum" }, e.direction === "debit" && "−", amount), tag(kinds[e.state], t("staff.entry_" + e.state))),
      e.reason && h("p", {}, t("staff.entry_reason_" + e.reason)),
      h("dl", { class: "facts" }, facts(
        [t(e.direction === "debit" ? "staff-entry.receiver" : "staff-entry.payer"), e.payer.name],
        [t("staff-entry.account"), e.payer.account],
        [t("staff-entry.registry"), e.payer.registryCode],
        [t("staff-entry.behalf"), e.onBehalf],
        [t("staff-entry.references"), e.references.join(", ")],
        [t("staff-entry.text"), e.text],
        [t("staff-entry.booked"), date(e.booked)],
        [t("staff-entry.valued"), e.valued && date(e.valued)],
        [t("staff-entry.original"), e.amount && e.original && `${e.original.amount} ${e.original.currency}`],
        [t("staff-entry.ours"), e.account],
        [t("staff-entry.bankref"), e.bankRef],
        [t("staff-entry.allocated"), e.allocations.length > 0 && h("ul", {}, e.allocations.map((s) => h("li", {}, orderLink(s.order), " — ", money(s.amount))))],
        [t("staff-entry.remainder"), e.remainder.amount > 0 && money(e.remainder)],
      )),
      open ? deciding(e) : undoing(),
      h("h2", {}, t("staff.history")),
      history(e.history.map((x) => ({ at: x.at, what: t("staff.entry_was_" + x.what), by: by(x.by), reason: x.reason }))),
    ];
  }

  function deciding(e) {
    const debit = e.direction === "debit";
    const share = (i, like) => {
      const order = h("input", { name: `allocate/${i}/order`, required: true, inputmode: "numeric", autocomplete: "off", maxlength: 10, value: like?.order });
      const amount = sumInput({ name: `allocate/${i}/amount`, required: true, value: like?.amount && asTyped(like.amount) });
      return h("fieldset", {}, h("legend", { class: i === 0 ? "unseen" : "" }, t("staff-entry.share", { n: i + 1 })), field(t("staff-entry.order"), order), field(t("staff.amount"), amount));
    };
    const shares = several(most, share, t("staff-entry.more"), t("staff-entry.less"));
    shares.show([{ amount: e.amount }]);
    const sharing = h("fieldset", {}, h("legend", { class: "unseen" }, t("staff-entry.shares")), shares.part);

    const ways = [];
    if (e.amount) ways.push(["allocate", t(debit ? "staff-entry.took_back" : "staff-entry.allocate")]);
    if (e.amount && !debit) ways.push(["refund", t("staff-entry.refund")]);
    ways.push(["ignore", t("staff-entry.ignore")]);
    const choice = radios(t("staff-entry.what"), "way", ways, ways[0][0]);
    const follows = h("p", { class: "hint" });
    const chosen = () => choice.querySelector(":checked").value;
    const turn = () => {
      sharing.hidden = sharing.disabled = chosen() !== "allocate";
      follows.textContent = t("staff-entry.follows_" + (debit && chosen() === "allocate" ? "took_back" : chosen()));
    };
    choice.addEventListener("change", turn);
    turn();

    const reason = h("textarea", { name: "reason", required: true, maxlength: 500, rows: 2 });
    const form = h("form", {}, choice, sharing, field(t("staff-entry.reason"), reason, t("staff-entry.reason_hint")), follows, h("p", {}, h("button", { class: "lead" }, t("staff-entry.decide"))));
    sends(form, async (typed) => {
      const decision = { reason: typed.reason };
      if (typed.way !== "allocate") decision[typed.way] = true;
      else decision.allocate = Array.from({ length: shares.count() }, (_, i) => ({ order: typed[`allocate/${i}/order`].trim(), amount: typedSum(typed[`allocate/${i}/amount`]) }));
      await decided(decision, t("staff-entry.decided"));
    });

    const suggestions = e.suggestions.map((s) =>
      h(
        "li",
        { class: "card stack" },
        s.allocate.map((x) => h("p", {}, h("b", {}, orderLink(x.order)), " — ", money(x.amount))),
        h("p", { class: "quiet" }, t("staff-entry.score", { n: s.score }), " ", s.reasons.map((r) => t("staff.clue_" + r)).join(" ")),
        h(
          "button",
          {
            type: "button",
            onclick: () => {
              shares.show(s.allocate);
              choice.querySelector("[value=allocate]").checked = true;
              turn();
              reason.focus();
            },
          },
          t("staff-entry.take"),
        ),
      ),
    );
    return [
      suggestions.length > 0 && [h("h2", {}, t("staff-entry.suggestions")), h("p", { class: "quiet" }, t("staff-entry.suggestions_hint")), h("ul", { class: "cards" }, suggestions)],
      h("h2", {}, t("staff-entry.decision")),
      form,
    ];
  }

  function undoing() {
    const form = h(
      "form",
      {},
      field(t("staff-entry.reason"), h("textarea", { name: "reason", required: true, maxlength: 500, rows: 2 })),
      h("p", {}, h("button", { class: "danger" }, t("staff-entry.undo"))),
    );
    sends(form, (typed) => decided({ undo: true, reason: typed.reason }, t("staff-entry.undone")));
    return [h("h2", {}, t("staff-entry.mistaken")), h("p", {}, t("staff-entry.undo_hint")), form];
  }

  await look();
});
