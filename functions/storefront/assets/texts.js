// What the page says, in its language. The server writes the texts of this page into it, by key.

/** @type {"et"|"en"|"ru"|"kk"} */
export const language = document.documentElement.lang;

const texts = JSON.parse(document.getElementById("texts").textContent);
const plural = new Intl.PluralRules(language);
const count = new Intl.NumberFormat(language);

/** Whether there is a text of that key. */
export const has = (key) => key in texts;

/**
 * A text by its key, with values by their names. A value that is a number is written as the language does; the number "n" chooses the
 * plural. A key without a text is a mistake in the program.
 */
export function t(key, values = {}) {
  let text = texts[key];
  if (text === undefined) throw new Error(`no text ${key}`);
  if (typeof text !== "string") text = text[plural.select(values.n)] ?? text.other;
  return text.replaceAll(/\{([a-zA-Z]+)\}/g, (whole, name) => {
    if (!(name in values)) return whole;
    return typeof values[name] === "number" ? count.format(values[name]) : String(values[name]);
  });
}
