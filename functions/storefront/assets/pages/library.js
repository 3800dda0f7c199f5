// The reading room: go on where I was, search in the chapters, my works.
import { api } from "../api.js";
import { fill, h, href, place, tell } from "../dom.js";
import { button, field, shows } from "../form.js";
import { date, dayOf, today } from "../format.js";
import { bones, bookAt, chapterAt, cover, grades, refusal, ways } from "../reading.js";
import { t } from "../texts.js";

const asked = new URLSearchParams(location.search);
const q = asked.get("q")?.trim();
const soon = 14; // days before the end from which the reader is reminded of it

place().append(...bones(3));
shows(place(), "/v1/library", async (room) => {
  const last = room.continue.find((p) => p.allowed);
  const others = room.continue.filter((p) => p !== last);
  if (!room.allowed) return [await refusal(room), others.length > 0 && more(others)];
  if (q) return [search(), await found()];
  return [until(room.access), last ? goOn(last) : begin(), search(), others.length > 0 && more(others), h("p", { class: "part" }, h("a", { href: href("/works") }, t("library.all")))];
});

/** Until when the room is open, and how to stay, where the end is near. */
function until({ validThrough, renewOn }) {
  const left = (Date.parse(validThrough) - Date.parse(today())) / 86400000;
  const last = t("library.until", { date: date(validThrough) });
  if (left >= soon) return h("p", { class: "quiet" }, last, " ", h("a", { href: href("/licenses") }, t("common.licenses")));
  return h("div", { class: "note warn" }, h("p", {}, last), ways([["/checkout?from=" + renewOn, "library.renew"]]));
}

function search() {
  const options = ["et", "en", "ru", "kk"].map((l) => h("option", { value: l, selected: l === asked.get("language") }, t("languages." + l)));
  return h(
    "form",
    { role: "search", class: "search part", action: "/library" },
    asked.has("lang") && h("input", { type: "hidden", name: "lang", value: asked.get("lang") }),
    h("label", { for: "q" }, t("library.search")),
    h("div", {}, h("input", { id: "q", name: "q", type: "search", maxlength: 200, value: q }), h("button", {}, t("library.find"))),
    h("div", { class: "choices" }, field(t("library.language"), h("select", { name: "language" }, h("option", { value: "" }, t("library.any_language")), options))),
  );
}

/** The chapters that have the words. */
async function found() {
  const asking = (after) => "/v1/library/search?" + new URLSearchParams([["q", q], ["language", asked.get("language")], ["limit", 20], ["after", after]].filter(([, value]) => value));
  const list = h("ol", { class: "list" });
  const more = h("p");
  const add = ({ chapters, next }) => {
    list.append(...chapters.map((c) => h("li", {}, hit(c))));
    fill(more, next && button(t("library.more"), async () => {
      const first = list.children.length;
      add(await api("GET", asking(next)));
      list.children[first].querySelector("a").focus();
    }));
  };
  const room = h("section", { class: "part" });
  await shows(room, asking(), (answer) => {
    add(answer);
    const said = t(answer.total ? "library.found" : "library.nothing", { n: answer.total });
    tell(said);
    return [h("h2", {}, said), h("p", {}, answer.total === 0 && [t("library.nothing_text"), " "], h("a", { href: href("/library") }, t("library.back"))), list, more];
  });
  return room;
}

function hit({ work, number, title, snippet }) {
  return h(
    "article",
    { class: "hit" },
    cover(work),
    h("div", {}, [
      h("h3", { lang: work.language }, h("a", { href: href(chapterAt(work.id, number)) }, title)),
      h("p", { class: "quiet", lang: work.language }, work.title),
      h("p", { lang: work.language }, snippet.map((part) => (part.hit ? h("mark", {}, part.text) : part.text))),
    ]),
  );
}

const begin = () => h("section", { class: "empty" }, h("h2", {}, t("library.first")), h("p", {}, t("library.first_text")), ways([["/works", "access.works"]]));

const goOn = (last) => h("section", { class: "part" }, h("h2", {}, t("library.continue")), h("div", { class: "card hit last" }, book(last, true)));

const more = (books) => h("section", { class: "part" }, h("h2", {}, t("library.mine")), h("ul", { class: "list" }, books.map((p) => h("li", { class: "hit" }, book(p)))));

function book({ work, chapter, at, bookmarks, allowed, code }, lead) {
  const facts = [grades(work), t("library.was", { n: chapter, date: date(dayOf(at)) }), bookmarks > 0 && t("library.bookmarks", { n: bookmarks })];
  return [
    cover(work),
    h("div", {}, [
      h("h3", { lang: work.language }, h("a", { href: href(bookAt(work.id)) }, work.title)),
      h("p", { class: "quiet" }, facts.filter(Boolean).join(" · ")),
      code.startsWith("WORK_") && h("p", {}, h("span", { class: "tag warn" }, t("access." + code))),
      allowed && h("p", {}, h("a", { class: lead ? "button lead" : "button", href: href(chapterAt(work.id, chapter)) }, t("library.go_on", { n: chapter }))),
    ]),
  ];
}
