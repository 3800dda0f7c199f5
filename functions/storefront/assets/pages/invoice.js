// The invoice of an order: what a bank asks for, each to be copied, the code for its app, and the paper itself.
import { api, Problem } from "../api.js";
import { fill, h, href, paper, place, rich, step, tell } from "../dom.js";
import { facts } from "../facts.js";
import { shows } from "../form.js";
import { date, money } from "../format.js";
import { bought } from "../pay.js";
import { t } from "../texts.js";

const number = step(1);
const path = "/v1/orders/" + encodeURIComponent(number);

/** A value with a button that copies it as a bank's form takes it. */
function copied(what, shown, value = shown) {
  const text = h("span", {}, shown);
  const said = h("button", { type: "button", "aria-label": t("invoice.copy_what", { what }), onclick: copy }, t("invoice.copy"));
  async function copy() {
    let done = "invoice.copied";
    try {
      await navigator.clipboard.writeText(value);
    } catch {
      getSelection().selectAllChildren(text);
      done = "invoice.selected";
    }
    said.textContent = t(done);
    tell(t(done));
    setTimeout(() => (said.textContent = t("invoice.copy")), 3000);
  }
  return [what, h("span", { class: "copy" }, text, said)];
}

const fours = (s) => s.replaceAll(/(.{4})(?=.)/g, "$1 ");

/** What to say about an invoice before anything else, and whether it is still to be paid. */
function standing(o) {
  if (o.state === "paid") return ["good", t("invoice.paid")];
  if (o.payWith.length === 0) return ["warn", t("invoice.over")];
  if (o.situation === "waiting") return ["warn", rich("invoice.waiting", { order: "/orders/" + number })];
  if (o.received.amount > 0) return ["", t("invoice.part", { received: money(o.received), open: money(o.open) })];
  return [];
}

function how(i) {
  const rows = facts(
    copied(t("invoice.pay_to"), i.payTo),
    copied(t("invoice.iban"), fours(i.iban), i.iban),
    copied(t("invoice.bic"), i.bic),
    copied(t("invoice.reference"), i.reference),
    copied(t("invoice.rf"), fours(i.rf), i.rf),
    copied(t("invoice.amount"), money(i.amount), (i.amount.amount / 100).toFixed(2)),
    [t("invoice.due"), date(i.dueOn)],
  );
  const alt = t("invoice.code", { payTo: i.payTo, sum: money(i.amount), rf: i.rf });
  const code = h("img", { class: "code", src: path + "/invoice.svg", width: 192, height: 192, alt });
  return h(
    "section",
    {},
    h("h2", {}, t("invoice.to_pay")),
    h("p", {}, h("b", {}, t("invoice.must"))),
    h("div", { class: "pay" }, h("dl", { class: "facts" }, rows), h("figure", {}, code, h("figcaption", { class: "hint" }, t("invoice.scan")))),
    h("p", {}, t("invoice.then")),
  );
}

const toOrder = () => h("p", { class: "no-print" }, h("a", { href: href("/orders/" + number) }, t("invoice.to_order")));

let shown; // as text

function paint(o) {
  shown = JSON.stringify(o);
  const i = o.invoice;
  if (!i) return [h("p", { class: "note" }, t("invoice.none")), toOrder()];
  const name = t("invoice.named", { number: i.number });
  document.title = document.title.replace(/^[^·]*/, name + " ");
  document.querySelector("h1").textContent = name;
  const [kind, said] = standing(o);
  const to = i.madeOutTo;
  const buyer = to.registryCode ? t("invoice.with_code", { name: to.name, code: to.registryCode }) : to.name;
  const files = [
    ["invoice.pdf", t("invoice.pdf")],
    ["invoice.xml?format=earve", t("invoice.earve")],
    to.registryCode && ["invoice.xml?format=ubl", t("invoice.peppol")],
  ].filter(Boolean);
  const links = files.map(([file, text]) => h("li", {}, paper(path + "/" + file, text, { class: "button" })));
  const prints = h("button", { type: "button", onclick: () => print() }, t("invoice.print"));
  return [
    said && h("p", { class: "note " + kind }, said),
    h("dl", { class: "facts" }, facts([t("pay.made_out_to"), buyer]), bought(o)),
    o.payWith.length > 0 && how(i),
    h(
      "section",
      { class: "no-print" },
      h("h2", {}, t("invoice.files")),
      h("p", {}, to.email ? t("invoice.copied_to", { email: to.email }) : t("invoice.mailed")),
      h("ul", { class: "row" }, links, h("li", {}, prints)),
    ),
    toOrder(),
  ];
}

shows(place(), path, paint);

// Whoever comes back from their bank sees whether the money is here by now.
document.addEventListener("visibilitychange", async () => {
  if (document.hidden || !shown) return;
  try {
    const now = await api("GET", path, undefined, { still: true });
    if (JSON.stringify(now) !== shown) fill(place(), paint(now));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem; // what is known stays
  }
});
