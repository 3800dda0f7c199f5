// One chapter, to read in peace: a bookmark at it, notes beside its paragraphs, and the way on.
import { api, who } from "../api.js";
import { fill, h, href, place, step, url } from "../dom.js";
import { shows } from "../form.js";
import { begun, bookmark, note, noteForm } from "../marks.js";
import { bones, bookAt, chapterAt, refusal } from "../reading.js";
import { t } from "../texts.js";

const id = step(2);
const n = Number(step(4));
const at = url`/v1/library/works/${id}`;
const contentsAt = bookAt(id);

const titled = document.title;

/** The work, and what was asked for beside it. */
async function ask() {
  const beside = [api("GET", at + url`/chapters/${step(4)}`), api("GET", at + "/marks")];
  Promise.allSettled(beside); // why it may not be read, the work says
  return [await api("GET", at), beside];
}

place().append(...bones(3));
shows(place(), ask, async ([opened, beside]) => {
  if (!opened.allowed) return [await refusal(opened), h("p", {}, h("a", { href: href(contentsAt) }, t("chapter.mine")))];
  if (!opened.contents.some((c) => c.number === n)) {
    return [h("p", { class: "note bad" }, t("problems.no_such_chapter")), h("p", {}, h("a", { class: "button lead", href: href(contentsAt) }, t("chapter.contents")))];
  }
  return page(opened, ...(await Promise.all(beside)));
}).then(comeBack);

function page({ work, contents }, chapter, { bookmarks, notes }) {
  const title = document.querySelector("h1");
  title.textContent = chapter.title;
  title.lang = work.language;
  document.title = chapter.title + " · " + titled;
  const has = chapter.paragraphs.length;
  const mine = (paragraph) => notes.filter((x) => x.chapter === n && (paragraph ? x.paragraph === paragraph : !x.paragraph || x.paragraph > has));
  return [
    h("p", { class: "row" }, h("span", { class: "quiet" }, t("chapter.of", { n, all: contents.length })), bookmark(id, n, bookmarks.some((b) => b.chapter === n))),
    h("article", { class: "reading" }, chapter.paragraphs.map((text, i) => h("div", { class: "passage", id: "p" + (i + 1), tabindex: -1 }, h("p", { lang: work.language }, text), margin(mine(i + 1), i + 1)))),
    h("section", { class: "margin" }, h("h2", {}, t("chapter.notes")), margin(mine())),
    ways(contents, work.language),
  ];
}

/** The notes at a paragraph, or at the chapter, and room for one more. */
function margin(notes, paragraph) {
  const list = h("ul", { class: "list" }, notes.map((x) => note(id, x, { allowed: true })));
  const room = h("div");
  const close = () => fill(room, h("button", { type: "button", class: "plain", "aria-label": paragraph && t("chapter.add_at", { n: paragraph }), onclick: () => open().querySelector("textarea").focus() }, t("chapter.add")));
  const open = () => {
    const kept = (x) => {
      list.append(note(id, x, { allowed: true }));
      done();
    };
    const done = () => close().querySelector("button").focus();
    return fill(room, noteForm(id, { chapter: n, paragraph }, kept, done));
  };
  begun(id, { chapter: n, paragraph }) ? open() : close();
  return h("div", { class: "margin" }, list, room);
}

/** The chapters before and after. */
function ways(contents, lang) {
  const to = (c, key, rel, lead) => c && h("a", { class: lead ? "button lead" : "button", rel, href: href(chapterAt(id, c.number)) }, h("span", {}, t(key), " ", h("span", { lang }, c.title)));
  const after = contents[n];
  return h("nav", { class: "pager", "aria-label": t("chapter.ways") }, [
    to(contents[n - 2], "chapter.before", "prev"),
    h("a", { class: after ? "" : "button lead", href: href(contentsAt) }, t(after ? "chapter.contents" : "chapter.end")),
    to(after, "chapter.after", "next", true),
  ]);
}

const name = "at " + location.pathname;
addEventListener("pagehide", () => who() && sessionStorage.setItem(name, scrollY)); // of who has left nothing is kept

/** Goes to the paragraph that the address names, or to where the reader was before the page was loaded anew. */
function comeBack() {
  const named = location.hash && document.getElementById(location.hash.slice(1));
  if (named) {
    named.scrollIntoView();
    named.focus({ preventScroll: true });
  } else if (performance.getEntriesByType("navigation")[0]?.type !== "navigate") {
    scrollTo(0, Number(sessionStorage.getItem(name)));
  }
}
