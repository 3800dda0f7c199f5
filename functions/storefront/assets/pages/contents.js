// A work from inside: its chapters, its files, and what I left in it.
import { api } from "../api.js";
import { h, href, place, rich, step, url } from "../dom.js";
import { button, shows } from "../form.js";
import { date, dayOf } from "../format.js";
import { bookmark, lostBookmark, note, whereOf } from "../marks.js";
import { bones, chapterAt, refusal } from "../reading.js";
import { numerals, t } from "../texts.js";

const id = step(2);
const at = url`/v1/library/works/${id}`;

place().append(...bones(2));
shows(place(), at, async (opened) => {
  const files = h("section", { class: "part" });
  const [marks] = await Promise.all([api("GET", at + "/marks"), opened.allowed && shows(files, at + "/files", theFiles)]);
  if (!opened.allowed) return [await refusal(opened), lost(marks)];
  return [begin(opened.contents, marks.place), chapters(opened, marks), notes(marks.notes, true), files];
});

/** The way to where I was, or to the first chapter. */
function begin(contents, was) {
  const next = contents[(was?.chapter ?? 1) - 1] ?? contents[0];
  return h(
    "p",
    { class: "row" },
    h("a", { class: "button lead", href: href(chapterAt(id, next.number)) }, t(was ? "contents.go_on" : "contents.begin", { n: next.number })),
    was && h("span", { class: "quiet" }, t("contents.was", { date: date(dayOf(was.at)) })),
  );
}

function chapters({ work, contents }, { place: was, bookmarks, notes }) {
  return h(
    "section",
    { class: "part" },
    h("h2", {}, t("contents.chapters")),
    h(
      "ol",
      { class: "chapters" },
      contents.map((c) => {
        const n = notes.filter((x) => x.chapter === c.number).length;
        return h("li", {}, [
          h("a", { href: href(chapterAt(id, c.number)), lang: work.language }, c.title),
          c.number === was?.chapter && h("span", { class: "tag" }, t("contents.here")),
          n > 0 && h("span", { class: "quiet" }, t("contents.notes_here", { n })),
          bookmark(id, c.number, bookmarks.some((b) => b.chapter === c.number)),
        ]);
      }),
    ),
  );
}

function theFiles({ files }) {
  return files.length > 0 && [
    h("h2", {}, t("contents.files")),
    h("ul", { class: "list" }, files.map((f) => h("li", { class: "row" }, [
      button(t("contents.open", { name: f.name }), () => open(f)),
      h("span", { class: "quiet" }, size(f.size)),
    ]))),
  ];
}

/** Opens a file by a link that is good for a few minutes. */
async function open(file) {
  const { url } = await api("GET", `${at}/files/${file.name.split("/").map(encodeURIComponent).join("/")}`);
  location.assign(url);
}

/** A size in bytes, as people say it. */
function size(bytes) {
  const [key, one] = bytes < 1e6 ? ["contents.kb", 1e3] : ["contents.mb", 1e6];
  return t(key, { n: new Intl.NumberFormat(numerals, { maximumFractionDigits: 1 }).format(bytes / one) });
}

function notes(all, allowed) {
  return h(
    "section",
    { class: "part" },
    h("h2", {}, t("contents.notes")),
    all.length === 0 ? h("p", { class: "quiet" }, t("contents.no_notes")) : h("ul", { class: "list" }, all.map((n) => note(id, n, { allowed, where: whereOf(id) }))),
    h("p", { class: "quiet" }, rich("contents.logged", { privacy: "/terms/privacy" })),
  );
}

/** What I left in a work that does not open now. It is mine all the same. */
function lost({ bookmarks, notes: all }) {
  return [
    bookmarks.length > 0 && h("section", { class: "part" }, h("h2", {}, t("contents.bookmarks")), h("ul", { class: "list" }, bookmarks.map((b) => lostBookmark(id, b)))),
    all.length > 0 && notes(all, false),
  ];
}
