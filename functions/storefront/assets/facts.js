// Small things that stand on many pages.
import { h } from "./dom.js";

/** Rows of a dl.facts: pairs of a name and what it is, without those that are nothing. */
export const facts = (...pairs) => pairs.filter((pair) => pair && pair[1]).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));

/** A state in words. */
export const tag = (kind, text) => h("span", { class: kind ? "tag " + kind : "tag" }, text);
