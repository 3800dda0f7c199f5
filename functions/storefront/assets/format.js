// How dates, sums and spans are written, by CLDR as the browser has it.
import { language } from "./texts.js";

const euro = new Intl.NumberFormat(language, { style: "currency", currency: "EUR" });
const day = new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: "UTC" });
const moment = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short", timeZone: "Europe/Tallinn" });
const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 2 });
const listed = new Intl.ListFormat(language, { type: "conjunction" });

/** A sum of the API, {amount: cents, currency: "EUR"}. */
export const money = (m) => euro.format(m.amount / 100);

/** A civil date of the API, "2026-09-01". */
export const date = (d) => day.format(new Date(d + "T00:00:00Z"));

/** An instant of the API, as people in Estonia read the clock. */
export const instant = (i) => moment.format(new Date(i));

/** A rate, 0.24. */
export const rate = (r) => percent.format(r);

/** Several things in one sentence. */
export const all = (things) => listed.format(things);

/** Today where the shop is, "2026-09-01". */
export const today = () => new Intl.DateTimeFormat("sv", { timeZone: "Europe/Tallinn" }).format(new Date());
