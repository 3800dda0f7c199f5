// Holds by their review, people by their address, and how the service is stopped for them. Whom somebody looks for stands behind the # of
// the address: that part never leaves the browser.
import { api } from "../api.js";
import { fill, h, href, tell, url } from "../dom.js";
import { facts, tag } from "../facts.js";
import { button, field, sends, shows } from "../form.js";
import { date, dayOf, instant, today } from "../format.js";
import { holding, object } from "../holding.js";
import { chosen, decide, desk, pager, part, searched, states } from "../staff.js";
import { t } from "../texts.js";

const all = ["standing", "proposed", "lifted"];

const sought = () => decodeURIComponent(location.hash.slice(1));

const row = (x) => [
  h("a", { href: href("/staff/holds/" + x.id) }, object(x.on)),
  h("p", {}, t("staff.basis_" + x.basis)),
  t("staff.measure_" + x.measure),
  x.since ? date(dayOf(x.since)) : "",
  x.reviewOn ? [date(x.reviewOn), x.state === "standing" && x.reviewOn <= today() && [" ", tag("warn", t("staff-holds.due"))]] : "",
];

desk(["holds"], async (room) => {
  const state = chosen(all);
  const list = h("div", {}, h("div", { class: "bones" }));
  const news = h("div", {});
  const found = h("div", {});
  const email = h("input", { type: "email", name: "email", required: true, autocomplete: "off", autocapitalize: "none", spellcheck: "false", value: sought() });
  const search = h("form", { role: "search" }, field(t("staff-holds.email"), email, t("staff-holds.email_hint")), h("p", {}, h("button", { class: "lead" }, t("staff.search"))));
  const group = () => {
    const input = h("input", { name: "group", required: true, autocomplete: "off", autocapitalize: "none", spellcheck: "false", pattern: "\\s*(school|class):.+" });
    input.addEventListener("input", () => input.setCustomValidity(input.validity.patternMismatch ? t("staff-problems.group_not_found") : ""));
    return field(t("staff-holds.group"), input, t("staff-holds.group_hint"));
  };
  const grouping = h("form", {}, group(), h("p", {}, h("button", {}, t("staff-holds.choose"))));
  const stopping = h("div", {});
  fill(
    room,
    h("h2", {}, t("staff-holds.person")),
    search,
    news,
    found,
    h("details", {}, h("summary", {}, t("staff-holds.groups")), grouping, stopping),
    h("h2", {}, t("staff.holds")),
    states(all, state, "staff.holds_"),
    list,
  );

  sends(search, async (typed) => {
    const wanted = typed.email.trim();
    fill(news);
    fill(found);
    const person = await look(wanted);
    history.replaceState(null, "", "#" + encodeURIComponent(wanted));
    tell(`${person.firstName} ${person.lastName}`);
  });

  async function look(wanted) {
    const person = await api("GET", url`/v1/accounts?email=${wanted}`);
    fill(found, card(person));
    return person;
  }

  sends(grouping, async (typed) => {
    fill(stopping, h("h3", {}, object("group:" + typed.group.trim())), holding(["group:" + typed.group.trim()]));
  });

  function card(p) {
    const things = ["account:" + p.account, ...p.licenses.map((l) => "license:" + l.id), ...p.groups.map((g) => "group:" + g)];
    const line = (x) => [x.id ? h("a", { href: href("/staff/holds/" + x.id) }, object(x.on)) : t("staff-holds.by_money"), ", ", t("staff.basis_" + x.basis), ", ", instant(x.since), x.final && [" ", tag("bad", t("staff.measure_end"))]];
    return h(
      "section",
      { class: "card" },
      h("h3", {}, `${p.firstName} ${p.lastName}`),
      h("dl", { class: "facts" }, facts(
        [t("staff.email"), p.email],
        [t("staff.orders"), h("a", { href: href("/staff/orders") + "#" + encodeURIComponent(p.email) }, t("staff-holds.see_orders"))],
        [t("staff-holds.in_groups"), p.groups.length > 0 && h("ul", {}, p.groups.map((g) => h("li", {}, object("group:" + g), " ", leaving(p, g))))],
        [t("staff-holds.licenses"), p.licenses.length > 0 && licenses(p.licenses)],
        [t("staff.holds"), p.holds.length > 0 ? h("ul", {}, p.holds.map((x) => h("li", {}, line(x)))) : t("staff-holds.free")],
        [t("staff-holds.breaches"), p.breaches.length > 0 && h("ul", {}, p.breaches.map((b) => h("li", {}, h("a", { href: href("/staff/holds/" + b.hold) }, t("staff.basis_" + b.basis)), ", ", instant(b.at))))],
      )),
      h("details", {}, h("summary", {}, t("staff-holds.join")), joining(p)),
      h("details", {}, h("summary", {}, t("staff-holds.stop")), holding(things)),
    );
  }

  /** Makes somebody a member of a group or takes them out of it, and shows them anew. */
  const enlist = (method, p, g, said) =>
    decide(news, () => look(p.email), async () => {
      await api(method, url`/v1/groups/${g}/members/${p.account}`, undefined, { again: true });
      await look(p.email);
      return t(said, { group: object("group:" + g) });
    });

  const leaving = (p, g) =>
    button(t("staff-holds.leave"), () => enlist("DELETE", p, g, "staff-holds.left"), { class: "plain", "aria-label": t("staff-holds.leave_which", { group: object("group:" + g) }) });

  function joining(p) {
    const form = h("form", {}, group(), h("p", { class: "hint" }, t("staff-holds.join_hint")), h("p", {}, h("button", {}, t("staff-holds.add"))));
    sends(form, (typed) => enlist("PUT", p, typed.group.trim(), "staff-holds.joined"));
    return form;
  }

  function licenses(all) {
    const list = h("ul", {}, all.map((l) => h("li", {}, `${l.id}, ${t("staff.license_" + l.state)}, `, t("staff-holds.until", { instant: instant(l.endsAt) }))));
    return all.length > 3 ? h("details", {}, h("summary", {}, t("staff-holds.so_many", { n: all.length })), list) : list;
  }

  const seen = shows(list, "/v1/holds" + part(state), ({ holds, next }) => [
    searched(t("staff.holds_" + state), [t("staff.on"), t("staff.why"), t("staff.measure"), t("staff.since"), t("staff.review_on")], holds.map(row)),
    pager(next),
  ]);
  if (email.value) search.requestSubmit();
  await seen;
});
