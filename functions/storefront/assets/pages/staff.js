// What waits for whoever works here.
import { fill, h, href } from "../dom.js";
import { shows } from "../form.js";
import { today } from "../format.js";
import { desk } from "../staff.js";
import { t } from "../texts.js";

const most = 100;
const all = () => true;

/** Who may see what, and what waits there: where it is counted, which of it, and the words for so many of them. */
const waits = [
  { right: "entries", to: "/staff/entries", path: "/v1/reconciliation?state=waiting", list: "entries", which: all, words: "staff.waiting_entries" },
  { right: "refunds", to: "/staff/refunds", path: "/v1/refunds?state=open", list: "cases", which: all, words: "staff.open_cases" },
  { right: "refunds", to: "/staff/refunds?state=requested", path: "/v1/refunds?state=requested", list: "refunds", which: (r) => r.way === "transfer", words: "staff.transfers" },
  { right: "holds", to: "/staff/holds?state=proposed", path: "/v1/holds?state=proposed", list: "holds", which: all, words: "staff.proposed_holds" },
  { right: "holds", to: "/staff/holds", path: "/v1/holds?state=standing", list: "holds", which: (x) => x.reviewOn && x.reviewOn <= today(), words: "staff.due_reviews" },
  { right: "works", to: "/staff/works#reports", path: "/v1/takedown-reports?state=open", list: "reports", which: all, words: "staff.open_reports" },
];

/** How many there are, as a link to them. */
const count = (element, { to, path, list, which, words }) =>
  shows(element, path + "&limit=" + most, (answer) => {
    const found = answer[list].filter(which);
    const said = t(words, { n: found.length });
    const more = answer.next && (list !== "holds" || found.at(-1) === answer[list].at(-1)); // holds come by their review
    const line = more ? t("staff.and_more", { words: said }) : said;
    return found.length > 0 ? h("a", { href: href(to) }, line) : h("span", { class: "quiet" }, line);
  });

desk([], async (room, may) => {
  const counts = [];
  const card = (right) => {
    const lines = waits.filter((w) => w.right === right);
    return h(
      "li",
      { class: "card" },
      h("h2", {}, h("a", { href: href("/staff/" + right) }, t("staff." + right))),
      h("p", { class: "quiet" }, t("staff.about_" + right)),
      lines.length > 0 &&
        h(
          "ul",
          {},
          lines.map((w) => {
            const line = h("li", { "aria-busy": "true" }, t("common.working"));
            counts.push(count(line, w));
            return line;
          }),
        ),
    );
  };
  fill(room, h("ul", { class: "cards" }, ["entries", "orders", "refunds", "holds", "works"].filter(may).map(card)));
  await Promise.all(counts);
});
