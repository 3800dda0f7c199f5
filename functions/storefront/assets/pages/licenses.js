// My licenses: until when the reading room is open, and what became of each of them.
import { api } from "../api.js";
import { h, href, place } from "../dom.js";
import { shows } from "../form.js";
import { date, dayOf, instant, today } from "../format.js";
import { bones, reasons, refusal, ways, whatHelps } from "../reading.js";
import { t } from "../texts.js";

const tone = { active: "good", scheduled: "", suspended: "warn", annulled: "bad", expired: "" };
const stops = ["ACCOUNT_CLOSED", "ACCOUNT_HELD", "TERMS_REQUIRED"];

place().append(...bones(3));
shows(place(), "/v1/licenses", async ({ access, licenses }) => {
  const decision = await api("GET", "/v1/entitlements");
  const stopped = stops.includes(decision.code);
  return [
    stopped && (await refusal(decision)),
    summary(access, licenses.length > 0, stopped),
    licenses.length > 0 && h("section", { class: "part" }, h("h2", {}, t("licenses.all")), h("ul", { class: "list" }, licenses.map((l) => h("li", {}, one(l))))),
  ];
});

/** What all of them come to. */
function summary(access, some, stopped) {
  if (!access.from) {
    return h(
      "section",
      { class: some ? "card" : "empty" },
      h("h2", {}, t(some ? "licenses.closed" : "licenses.none")),
      h("p", {}, t(some ? "licenses.closed_text" : "licenses.none_text")),
      !stopped && ways([[some ? "/checkout" : "/plans", some ? "access.buy" : "access.plans"], ["/orders", "common.orders"]]),
    );
  }
  const left = Math.round((Date.parse(access.validThrough) - Date.parse(today())) / 86400000) + 1;
  return h(
    "section",
    { class: "card until" },
    h("h2", {}, t(access.open ? "licenses.until" : "licenses.from")),
    h("p", { class: "sum" }, date(access.open ? access.validThrough : dayOf(access.from))),
    h("p", { class: "quiet" }, access.open ? t("licenses.left", { n: left }) : t("licenses.through", { date: date(access.validThrough) })),
    h("p", { class: "row" }, [
      access.open && !stopped && h("a", { class: "button lead", href: href("/library") }, t("common.library")),
      access.renewOn && !stopped && h("a", { class: "button", href: href("/checkout?from=" + access.renewOn) }, t("licenses.renew")),
    ]),
    !stopped && h("p", { class: "quiet" }, access.renewOn ? t("licenses.renew_text", { date: date(access.renewOn) }) : t("licenses.renew_later")),
  );
}

function one(l) {
  return h(
    "article",
    { class: "card" },
    h("h3", { class: "row" }, t("licenses.months", { n: l.months }), h("span", { class: "tag " + tone[l.state] }, t("licenses.state_" + l.state))),
    h("dl", { class: "facts" }, [
      fact("licenses.first", date(l.startsOn)),
      fact("licenses.last", date(l.validThrough)),
      fact("licenses.order", h("a", { href: href("/orders/" + l.order) }, l.order)),
    ]),
    l.state === "suspended" && [h("p", {}, t("licenses.suspended_text")), reasons(l.holds), ways(whatHelps(l.holds, l.order))],
    l.state === "annulled" && h("p", {}, t("licenses.annulled_text")),
    h("details", {}, h("summary", {}, t("licenses.history")), h("ol", {}, l.events.map((e) => h("li", {}, said(e), " ", h("span", { class: "quiet" }, h("time", { datetime: e.at }, instant(e.at))))))),
  );
}

const fact = (key, value) => h("div", {}, h("dt", {}, t(key)), h("dd", {}, value));

/** What happened. Of a reminder, the event names how many days before the end it went out. */
function said({ event }) {
  const [name, days] = event.split("_");
  return t("licenses.event_" + name, { n: Number(days) });
}
