// How dates, sums and spans are written, by CLDR. Chromium knows no Kazakh for dates and numbers: dates are put together from texts in
// every language, as letters have them, and numbers are written as the language does that writes them alike.
import { language, numerals, t } from "./texts.js";

const euro = new Intl.NumberFormat(numerals, { style: "currency", currency: "EUR" });
const percent = new Intl.NumberFormat(language === "kk" ? "et" : numerals, { style: "percent", maximumFractionDigits: 2 });
const clock = new Intl.DateTimeFormat("en-GB", { dateStyle: "short", timeStyle: "short", timeZone: "Europe/Tallinn" });
const iso = new Intl.DateTimeFormat("sv", { timeZone: "Europe/Tallinn" });
const months = t("common.month_names").split(" ");

/** A sum of the API, {amount: cents, currency: "EUR"}. */
export const money = (m) => euro.format(m.amount / 100);

/** A civil date of the API, "2026-09-01". */
export function date(d) {
  const [year, month, day] = d.split("-");
  return t("common.date", { year, month: months[month - 1], day: String(Number(day)) });
}

/** An instant of the API, as people in Estonia read the clock. */
export function instant(i) {
  const { year, month, day, hour, minute } = Object.fromEntries(clock.formatToParts(new Date(i)).map((p) => [p.type, p.value]));
  return t("common.instant", { date: date(`${year}-${month}-${day}`), hour, minute });
}

/** A rate, 0.24. */
export const rate = (r) => percent.format(r);

/** The day of an instant where the shop is, "2026-09-01". */
export const dayOf = (i) => iso.format(new Date(i));

/** Today where the shop is. */
export const today = () => dayOf(Date.now());
