// What readers leave in a work: bookmarks, and notes for themselves. What is taken away can be taken back, or else is asked about before.
import { api } from "./api.js";
import { fill, h, href, tell, url } from "./dom.js";
import { button, field, sends } from "./form.js";
import { date, dayOf } from "./format.js";
import { chapterAt } from "./reading.js";
import { t } from "./texts.js";

/** The bookmark of a chapter, as a button that is pressed where there is one. */
export function bookmark(work, n, set) {
  const b = button(h("span", {}, t("marks.bookmark")), async () => {
    await setBookmark(work, n, !set);
    set = !set;
    b.setAttribute("aria-pressed", set);
    tell(t(set ? "marks.bookmarked" : "marks.unbookmarked"));
  });
  b.classList.add("ribbon");
  b.setAttribute("aria-label", t("marks.bookmark_of", { n }));
  b.setAttribute("aria-pressed", set);
  return b;
}

async function setBookmark(work, n, set) {
  try {
    return await api(set ? "PUT" : "DELETE", url`/v1/library/works/${work}/chapters/${n}/bookmark`);
  } catch (problem) {
    if (problem.code !== "no_such_bookmark") throw problem; // it went away in another window
  }
}

/** A bookmark in a work that does not open: it can only be taken away, for good. */
export function lostBookmark(work, { chapter, at }) {
  const item = h("li", { class: "mark" });
  return fill(
    item,
    h("p", {}, t("marks.chapter", { n: chapter }), " ", h("span", { class: "quiet" }, date(dayOf(at)))),
    button(t("marks.remove"), async () => {
      if (!(await sure("marks.sure_bookmark"))) return;
      const gone = await setBookmark(work, chapter, false);
      removed(item, "marks.unbookmarked", gone);
    }, { class: "plain danger" }),
  );
}

/** A note as an item of a list, to change and take away. Who may not read the work can only take it away, for good. */
export function note(work, one, { allowed, where }) {
  const item = h("li", { class: "mark" });
  const at = noteAt(work, one.id);
  const about = { "aria-describedby": "said-" + one.id };
  const show = () =>
    fill(
      item,
      h("p", { class: "said", id: "said-" + one.id }, one.text),
      h("p", { class: "quiet" }, where && [where(one), " · "], date(dayOf(one.changedAt))),
      h("p", { class: "row" }, [
        allowed && h("button", { type: "button", class: "plain", onclick: change, ...about }, t("marks.change")),
        button(t("marks.remove"), remove, { class: "plain danger", ...about }),
      ]),
    );
  const change = () => {
    const back = () => show().querySelector("button").focus();
    fill(item, noteForm(work, one, (changed) => ((one = changed), back()), back));
    item.querySelector("textarea").focus();
  };
  const remove = async () => {
    if (!allowed && !(await sure("marks.sure_note"))) return;
    const gone = await api("DELETE", at);
    const words = { chapter: one.chapter, paragraph: one.paragraph, text: one.text };
    removed(item, "marks.removed", gone, allowed && (async () => {
      one = await api("PUT", at, words);
      show().querySelector("button").focus();
      tell(t("marks.is_back"));
    }));
  };
  show();
  return item;
}

const noteAt = (work, id) => url`/v1/library/works/${work}/notes/${id}`;

/** What stands where a mark was: that it is gone, what is still known of it, and the way back where there is one. */
function removed(item, key, gone, back) {
  fill(
    item,
    h("p", {}, t(key)),
    gone && h("p", { class: "quiet" }, t("marks.logged", { date: date(dayOf(gone.loggedUntil)) })),
    back && button(t("marks.undo"), back),
  );
  tell(t(key));
  item.tabIndex = -1;
  (item.querySelector("button") ?? item).focus();
}

/**
 * A note's form. What is typed into it stays in this tab until it is kept or given up, whatever happens to the page; the note has its
 * name from the first letter, so that it is kept once however often it is sent.
 */
export function noteForm(work, one, done, cancel) {
  const draft = draftOf(work, one);
  const { id, text } = draft.read();
  const give = async () => {
    const typed = words.value.trim();
    if (typed && typed !== one.text && !(await sure("marks.sure_words"))) return;
    draft.forget();
    cancel();
  };
  const words = h("textarea", { name: "text", required: true, maxlength: 1000, rows: 4 });
  words.value = text ?? one.text ?? "";
  words.addEventListener("input", () => draft.write({ id, text: words.value }));
  const form = h(
    "form",
    {},
    field(t(one.id ? "marks.your_note" : one.paragraph ? "marks.note_here" : "marks.note_chapter", { n: one.paragraph ?? 0 }), words, t("marks.hint")),
    h("p", { class: "row" }, [
      h("button", { class: "lead" }, t("marks.save")),
      h("button", { type: "button", class: "plain", onclick: give }, t("marks.cancel")),
    ]),
  );
  sends(form, async (v) => {
    const kept = await api("PUT", noteAt(work, id), { chapter: one.chapter, paragraph: one.paragraph, text: v.text });
    draft.forget();
    tell(t("marks.saved"));
    done(kept);
  });
  return form;
}

/** Whether a new note was begun there and neither kept nor given up. */
export const begun = (work, where) => Boolean(draftOf(work, where).read().text);

function draftOf(work, { id, chapter, paragraph }) {
  const name = `note ${work} ${id ?? [chapter, paragraph ?? 0].join(" ")}`;
  return {
    read: () => JSON.parse(sessionStorage.getItem(name)) ?? { id: id ?? crypto.randomUUID() },
    write: (draft) => sessionStorage.setItem(name, JSON.stringify(draft)),
    forget: () => sessionStorage.removeItem(name),
  };
}

/** Where a note stands in a work, as a link. */
export const whereOf = (work) => (one) =>
  h("a", { href: href(chapterAt(work, one.chapter)) + (one.paragraph ? "#p" + one.paragraph : "") }, one.paragraph ? t("marks.paragraph", { n: one.chapter, p: one.paragraph }) : t("marks.chapter", { n: one.chapter }));

/** Asks whether something may be lost. */
function sure(key) {
  return new Promise((answer) => {
    const dialog = h(
      "dialog",
      { "aria-labelledby": "sure" },
      h("form", { method: "dialog" }, h("h2", { id: "sure" }, t(key)), h("p", {}, t("marks.sure_text")), h("p", { class: "row" }, [
        h("button", { value: "yes", class: "danger" }, t("marks.remove")),
        h("button", { autofocus: true }, t("marks.keep")),
      ])),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
