// What the page says, in its language. The server writes the texts of this page into it, by key.

/** @type {"et"|"en"|"ru"|"kk"} */
export const language = document.documentElement.lang;

const texts = JSON.parse(document.getElementById("texts").textContent);
const plural = new Intl.PluralRules(language);

/** Whose way of writing numbers is ours. Chromium has none for Kazakh, which writes them as Russian does. */
export const numerals = { en: "en-GB", kk: "ru" }[language] ?? language;
const count = new Intl.NumberFormat(numerals);

let explained;

/** Fetches what is said of problems: a page comes with what it says while all goes well. Where that is lost too, "unknown" is left. */
export const explain = () =>
  (explained ??= fetch(new URL(`./texts/problems.${language}.json`, import.meta.url))
    .then((answer) => answer.json())
    .then((more) => Object.assign(texts, more))
    .catch(() => (explained = undefined)));

/** Whether there is a text of that key. */
export const has = (key) => key in texts;

/**
 * A text by its key, with values by their names. A value that is a number is written as the language does; the number "n" chooses the
 * plural. A key without a text is a mistake in the program, or the page is older than its scripts: it is asked for anew, once.
 */
export function t(key, values = {}) {
  let text = texts[key];
  if (text === undefined) {
    newer();
    throw new Error(`no text ${key}`);
  }
  if (typeof text !== "string") text = text[plural.select(values.n)] ?? text.other;
  return text.replaceAll(/\{([a-zA-Z]+)\}/g, (whole, name) => {
    if (!(name in values)) return whole;
    return typeof values[name] === "number" ? count.format(values[name]) : String(values[name]);
  });
}

// For some minutes after a change of the shop, caches have pages of before it: an address that nobody asked for yet is in none of them.
function newer() {
  const url = new URL(location.href);
  if (url.searchParams.has("newer")) return;
  url.searchParams.set("newer", Date.now());
  location.replace(url);
}
