// Elements are made one by one and text is always text: no markup is ever read from a string.
import { t } from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. Attributes that are null, undefined or false are left out, true ones are empty; functions are listeners ("onclick").
 * Children are strings, nodes and lists of them; null, undefined and false are left out.
 */
export function h(tag, attributes, ...children) {
  const element = ["svg", "path", "rect", "circle", "g"].includes(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

const nodes = (children) => children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false);

/** What stands in the element now. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  element.removeAttribute("aria-busy");
  return element;
}

/** A text in which "[words](name)" is a link to links[name]. */
export function rich(key, links, values) {
  const parts = [];
  let rest = t(key, values);
  for (let m; (m = /\[([^\]]+)\]\(([a-z]+)\)/.exec(rest)); rest = rest.slice(m.index + m[0].length)) {
    parts.push(rest.slice(0, m.index), h("a", { href: href(links[m[2]]) }, m[1]));
  }
  return [...parts, rest];
}

/** An address of the shop in the language that was chosen by the address of this page, where one was. */
export function href(address) {
  const chosen = new URLSearchParams(location.search).get("lang");
  if (!chosen || !address.startsWith("/")) return address;
  const url = new URL(address, location.origin);
  url.searchParams.set("lang", chosen);
  return url.pathname + url.search + url.hash;
}

/** A link to a file of a person's own. It says on which page it stands: whoever has to sign in first comes back there. */
export const paper = (address, text, attributes) => h("a", { href: address, referrerpolicy: "same-origin", ...attributes }, text);

let told = "";
let telling;

/** Says something to those who listen to the page, also where the same was said just before. */
export function tell(text) {
  const room = document.getElementById("told");
  told = text;
  room.textContent = "";
  clearTimeout(telling);
  telling = setTimeout(() => (room.textContent = text), 50);
}

/** Takes back what was said, where nothing else was said since. */
export const untell = (text) => text === told && tell("");

/** Where the page's own part stands. */
export const place = () => document.getElementById("page");

/** The step of the path at an index: of /orders/26000123453 the step 1 is 26000123453. */
export const step = (i) => decodeURIComponent(location.pathname.split("/")[i + 1] ?? "");

/** A path whose values are one step each, whatever stands in them: url`/v1/orders/${number}`. */
export const url = (texts, ...values) => String.raw({ raw: texts }, ...values.map(encodeURIComponent));
