// What the pages of staff have in common: who may open them, and how lists and histories look.
import { api, remember } from "./api.js";
import { fill, h, href, paper, place } from "./dom.js";
import { tag } from "./facts.js";
import { field, stuck, trouble } from "./form.js";
import { instant, money } from "./format.js";
import { has, language, t } from "./texts.js";

/** What each role may see, in the order of the menu. The API asks for itself. */
const rights = { finance: ["entries", "orders", "refunds"], support: ["orders", "holds"], editor: ["works"] };
const desks = ["entries", "orders", "refunds", "holds", "works"];

let me = "";

/** Opens a page of staff for who has one of some rights, and else says so kindly. */
export async function desk(wanted, make) {
  const page = place();
  page.setAttribute("aria-busy", "true");
  try {
    const { account } = await api("GET", "/v1/session");
    remember(account);
    me = "account:" + account.id;
    const mine = desks.filter((d) => account.roles.some((role) => rights[role]?.includes(d)));
    const may = (right) => mine.includes(right);
    if (!mine.length) {
      fill(page, h("p", { class: "note warn" }, t("staff.no_role")), h("p", {}, h("a", { href: href("/") }, t("staff.to_shop"))));
      return;
    }
    const room = h("div", {});
    fill(page, menu(mine), room);
    if (wanted.length && !wanted.some(may)) {
      fill(room, h("p", { class: "note warn" }, t("staff.other_role")));
      return;
    }
    await make(room, may);
  } catch (problem) {
    stuck(page, problem, () => desk(wanted, make));
  }
}

const menu = (mine) =>
  h(
    "nav",
    { "aria-label": t("staff.menu") },
    h(
      "ul",
      { class: "desk" },
      mine.map((d) => {
        const at = "/staff/" + d;
        const here = location.pathname === at ? "page" : location.pathname.startsWith(at + "/") && "true";
        return h("li", {}, h("a", { href: href(at), "aria-current": here }, t("staff." + d)));
      }),
    ),
  );

/** A sum in a column of its own. */
export const sum = (m) => h("td", { class: "number" }, money(m));

/** An instant in a column. */
export const moment = (i) => h("p", {}, instant(i));

/** The head of a column of sums. */
export const sums = (text) => h("th", { scope: "col", class: "number" }, text);

/** A table that scrolls by itself. The first cell of a row is its head; a head or a cell may be an element of the table itself. */
export function table(caption, heads, rows) {
  const cell = (tag, attributes, c) => (c instanceof HTMLTableCellElement ? c : h(tag, attributes, c));
  const row = ([first, ...rest]) => h("tr", {}, cell("th", { scope: "row" }, first), rest.map((c) => cell("td", {}, c)));
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, heads.map((head) => cell("th", { scope: "col" }, head)))),
      h("tbody", {}, rows.map(row)),
    ),
  );
}

const screenful = 50;

/** A table with a field that leaves those rows in it that have what is typed, and with so many rows at first as one looks through. */
export function searched(caption, heads, rows) {
  if (!rows.length) return h("p", { class: "empty" }, t("staff.nothing"));
  const shown = table(caption, heads, rows);
  const lines = [...shown.querySelectorAll("tbody tr")].map((line) => [line, line.textContent.toLocaleLowerCase()]);
  const count = h("p", { class: "quiet", role: "status" });
  const typed = h("input", { type: "search", autocomplete: "off", oninput: () => look(screenful) });
  const more = h("button", { type: "button", onclick: () => look(Infinity) }, t("staff.all"));
  function look(most) {
    const words = typed.value.toLocaleLowerCase().split(/\s+/);
    let n = 0;
    for (const [line, text] of lines) line.hidden = !words.every((w) => text.includes(w)) || n++ >= most;
    count.textContent = t("staff.rows", { n });
    more.hidden = n <= most;
  }
  look(screenful);
  return [
    lines.length > 7 && h("form", { role: "search", "aria-label": t("staff.filter"), onsubmit: (e) => e.preventDefault() }, field(t("staff.filter"), typed)),
    count,
    shown,
    h("p", {}, more),
  ];
}

const asked = (name) => new URLSearchParams(location.search).get(name) ?? "";

/** Which of some lists the address of the page asks for: the first one where it names none. */
export const chosen = (all) => (all.includes(asked("state")) ? asked("state") : all[0]);

/** The part of a list that the address asks for, as the API is asked for it. */
export function part(state) {
  const query = new URLSearchParams({ state });
  if (asked("after")) query.set("after", asked("after"));
  return "?" + query;
}

/** Links to the states of a list, each named by the texts under a lead. */
export const states = (all, now, lead) =>
  h(
    "nav",
    { "aria-label": t("staff.states") },
    h("ul", { class: "facets" }, all.map((s) => h("li", {}, h("a", { href: href(location.pathname + "?state=" + s), "aria-current": s === now && "page" }, t(lead + s))))),
  );

/** Links to where a list begins and where it goes on. */
export function pager(next) {
  const at = (after) => {
    const query = new URLSearchParams(location.search);
    query.delete("after");
    if (after) query.set("after", after);
    return location.pathname + (query.size ? "?" + query : "");
  };
  const began = asked("after") !== "";
  if (!next && !began) return null;
  return h("nav", { class: "pager", "aria-label": t("staff.pages") }, began && h("a", { href: at() }, t("staff.first")), next && h("a", { href: at(next) }, t("staff.next")));
}

/** Who did something, as the API names them. */
export function by(who) {
  if (who === me) return t("staff.by_you");
  const [kind, id = ""] = who.split(":");
  switch (kind) {
    case "account":
      return t("staff.by_colleague", { id: id.slice(0, 6) });
    case "key":
      return t("staff.by_program", { id: id.slice(0, 6) });
    case "ladder":
      return t("staff.by_matching");
    case "owner":
      return t("staff.by_owner");
    case "provider":
      return t("staff.by_provider");
    case "time":
      return t("staff.by_time");
  }
  return who;
}

/** What happened, the last thing first; of one instant, as it stands in the list: an instant, what it was, who did it, and why. */
export const history = (happened) =>
  h(
    "ol",
    { class: "list", reversed: true },
    happened
      .toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))
      .toReversed()
      .map((x) => h("li", {}, h("b", {}, x.what), h("br"), h("span", { class: "quiet" }, [instant(x.at), x.by].filter(Boolean).join(" · ")), x.reason && [h("br"), x.reason])),
  );

/** A link to an order for staff. */
export const orderLink = (number) => h("a", { href: href("/staff/orders/" + number) }, number);

/** A field for a sum in euro, with a comma or a point. */
export function sumInput(attributes) {
  const input = h("input", { inputmode: "decimal", autocomplete: "off", pattern: "[0-9]{1,7}([.,][0-9]{1,2})?", ...attributes });
  const judge = () => input.setCustomValidity(input.validity.patternMismatch ? t("staff.not_a_sum") : "");
  input.addEventListener("input", judge);
  return input;
}

/** What was typed into it, as the API writes money. */
export function typedSum(text) {
  const [whole, part = ""] = text.replace(",", ".").split(".");
  return { amount: Number(whole) * 100 + Number(part.padEnd(2, "0")), currency: "EUR" };
}

/** A sum of the API as it is typed. */
export const asTyped = (m) => (m.amount / 100).toFixed(2).replace(".", language === "en" ? "." : ",");

// What the API says where the page no longer shows what is.
const outdated = [
  ...["entry_decided", "nothing_to_undo", "report_decided", "revision_changed", "price_list_begun", "refund_key_reused", "refund_ended"],
  ...["hold_lifted", "hold_proposed", "hold_standing", "hold_final", "breach_confirmed", "breach_not_confirmed"],
];

/**
 * Does what a person decided, and says so where it is seen first, with the focus there: what was decided by is gone. Where somebody else
 * was quicker, the page is looked at again and shows what they did.
 */
export async function decide(news, look, act) {
  let note;
  try {
    note = h("div", { class: "note good" }, h("p", {}, await act()));
  } catch (problem) {
    if (!outdated.includes(problem.code)) throw problem;
    await look();
    note = trouble(problem);
  }
  note.tabIndex = -1;
  fill(news, note);
  note.focus();
}

/** All that is in a list of the API, however many pages it has. The path has a query. */
export async function every(path, list) {
  const found = [];
  for (let after = ""; after !== null; ) {
    const page = await api("GET", path + (after && "&after=" + encodeURIComponent(after)));
    found.push(...page[list]);
    after = page.next;
  }
  return found;
}

/** Parts of a form that are alike, at most so many: how one is made by its index, and the words for one more and one less. */
export function several(most, make, oneMore, oneLess) {
  const list = h("div", {});
  const plain = (words, onclick) => h("button", { type: "button", class: "plain", onclick }, words);
  const judge = () => {
    more.hidden = list.childElementCount >= most;
    less.hidden = list.childElementCount < 2;
  };
  const add = (like) => {
    list.append(make(list.childElementCount, like));
    judge();
  };
  const more = plain(oneMore, () => {
    add();
    list.lastElementChild.querySelector("input").focus();
  });
  const less = plain(oneLess, () => {
    list.lastElementChild.remove();
    judge();
    more.focus();
  });
  return {
    part: [list, h("p", { class: "row" }, more, less)],
    count: () => list.childElementCount,
    show: (all) => {
      list.replaceChildren();
      all.forEach(add);
    },
  };
}

/** A field with choices: pairs of a value and its words. */
export const select = (name, choices, attributes) => h("select", { name, ...attributes }, choices.map(([value, words]) => h("option", { value }, words)));

/** Choices of which one is made. */
export const radios = (legend, name, choices, chosen) =>
  h("fieldset", {}, h("legend", {}, legend), choices.map(([value, words]) => field(words, h("input", { type: "radio", name, value, checked: value === chosen }))));

/** The lists of money that goes back. */
export const refundLists = ["open", "requested", "failed", "done"];

const refundKinds = { requested: "warn", done: "good", failed: "bad" };

/** Why a refund failed: a word of ours, or whatever the bank or the card provider said. */
export const failure = (word) => (has("staff.trouble_" + word) ? t("staff.trouble_" + word) : word);

/** The heads and rows of a table of refunds, of one order or of many. */
export const refundRows = (refunds, many) => [
  [many && t("staff.order"), t("staff.asked_at"), sums(t("staff.amount")), t("staff.why"), t("staff.way"), t("staff.state"), t("staff.to"), t("staff.who")].slice(many ? 0 : 1),
  refunds.map((r) =>
    [
      many && orderLink(r.order),
      moment(r.at ?? r.requestedAt),
      sum(r.amount),
      h("p", {}, [r.reason ? t("staff.reason_" + r.reason) : t("staff.reason_there"), r.note].filter(Boolean).join(": ")),
      t("staff.way_" + r.way),
      [tag(refundKinds[r.state], t("staff.refund_" + r.state)), r.trouble && h("p", { class: "quiet" }, failure(r.trouble))],
      [
        r.to ? h("p", {}, `${r.to.name}, ${r.to.iban}`) : (r.account ?? ""),
        r.offset && orderLink(r.offset),
        r.payout && h("p", {}, paper(`/v1/payouts/${r.payout}.xml`, t("staff.payout"))),
      ],
      r.by ? by(r.by) : "",
    ].slice(many ? 0 : 1),
  ),
];

const situationKinds = { paid: "good", failed: "bad", owed_again: "bad", annulled: "bad", waiting: "warn", invoiced: "warn", paid_in_part: "warn", paid_too_much: "warn", to_pay: "warn" };

/** What an order is, in a word. */
export const situation = (o) => tag(situationKinds[o.situation], t("staff.situation_" + o.situation));

const statusKinds = { offered: "good", ahead: "warn", withdrawn: "", suspended: "bad" };

/** How far a work is offered, in a word. */
export const workStatus = (status) => tag(statusKinds[status], t("staff.works_" + status));
