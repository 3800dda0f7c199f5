// What the pages of the reading room share: why something does not open, what helps then, and how works are shown.
import { api } from "./api.js";
import { h, href, url } from "./dom.js";
import { date, dayOf } from "./format.js";
import { t } from "./texts.js";

// What helps where a code of the decision stands: where a link leads and what it says, the best first.
const helps = {
  ACCOUNT_CLOSED: [["/help", "access.write"]],
  ACCOUNT_HELD: [["/help", "access.write"]],
  TERMS_REQUIRED: [["/account/terms", "access.agree"]],
  WORK_UNKNOWN: [["/works", "access.works"]],
  WORK_SUSPENDED_IP: [["/works", "access.other"]],
  WORK_WITHDRAWN: [["/works", "access.other"]],
  NOT_STARTED: [["/licenses", "common.licenses"], ["/works", "access.works"]],
  EXPIRED: [["/checkout", "access.buy"], ["/licenses", "common.licenses"]],
  NO_LICENSE: [["/plans", "access.plans"], ["/orders", "common.orders"]],
};

// Where the instant is an end: the day that counts is the last one before it.
const ended = ["EXPIRED", "WORK_WITHDRAWN"];

/** Why the library or a work does not open to a person, by the API's decision, and what helps. */
export async function refusal(decision) {
  const { code, at, licenseId } = decision;
  const license = licenseId && ["REVOKED", "SUSPENDED"].includes(code) ? await api("GET", "/v1/licenses/" + licenseId) : undefined;
  const mine = code.startsWith("ACCOUNT_") ? (await api("GET", "/v1/session")).account.holds : (license?.holds ?? []);
  const links = license ? [["/orders/" + license.order, "access.order"], ["/plans", "access.plans"]] : helps[code];
  return h(
    "section",
    { class: "note warn" },
    h("h2", {}, t("access." + code)),
    h("p", {}, t(`access.${code}_text`, { date: at && date(dayOf(Date.parse(at) - (ended.includes(code) ? 1 : 0))) })),
    code === "ACCOUNT_HELD" && mine.length === 0 && h("p", {}, t("access.group")),
    reasons(mine),
    ways(mine.length ? whatHelps(mine, license?.order) : links),
  );
}

/** Why something is on hold. */
export const reasons = (holds) => holds.length > 0 && h("ul", {}, [...new Set(holds.map((x) => x.basis))].map((basis) => h("li", {}, t("holds." + basis))));

/** What helps where something of an order is on hold. */
export function whatHelps(holds, order) {
  const bases = holds.map((x) => x.basis);
  return [
    bases.includes("credential_leak") && ["/password/forgot", "access.password"],
    bases.some((b) => ["payment_reversed", "unpaid"].includes(b)) && [order ? "/orders/" + order : "/orders", "access.pay"],
    ["/help", "access.write"],
  ].filter(Boolean);
}

/** Links beside each other, the first of them the main one. */
export function ways(links) {
  const here = encodeURIComponent(location.pathname + location.search);
  return h("p", { class: "row" }, links.map(([to, key], i) => h("a", { class: i ? "" : "button lead", href: href(to === "/account/terms" ? to + "?next=" + here : to) }, t(key))));
}

/** The cover of a work. Its title stands beside it. */
export const cover = (work) => h("img", { class: "cover", src: "/covers/" + work.id, alt: "", width: 90, height: 120, loading: "lazy" });

/** Where a work opens. */
export const bookAt = (work) => url`/library/works/${work}`;

/** Where a chapter stands. */
export const chapterAt = (work, n) => bookAt(work) + "/chapters/" + n;

/** The grades of a work, rising. */
export function grades({ grades }) {
  const [first, last] = [grades[0], grades.at(-1)];
  return first === last ? t("access.grade", { grade: String(first) }) : t("access.grades", { first: String(first), last: String(last) });
}

/** What is waited for, in the room that it will take. */
export const bones = (n) => Array.from({ length: n }, () => h("div", { class: "bones" }));
