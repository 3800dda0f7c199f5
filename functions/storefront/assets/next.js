// Where somebody wanted to go when they were asked who they are. On the way over a letter it is kept for the same browser.

function ours(path) {
  if (!path?.startsWith("/") || !URL.canParse(path, location.origin)) return null;
  const url = new URL(path, location.origin);
  const clean = url.pathname + url.search + url.hash;
  return url.origin === location.origin && !clean.startsWith("//") ? clean : null;
}

const named = () => ours(new URLSearchParams(location.search).get("next"));

/** The place that the address of this page names, or that was kept within a day; null where there is none, or it is no page of ours. */
export const next = () => named() ?? kept();

function kept() {
  const [place, at] = JSON.parse(localStorage.getItem("next") ?? "[]");
  return Date.now() - at < 86_400_000 ? ours(place) : null;
}

/** Keeps the place that the address of this page names. */
export function keepNext() {
  if (named()) localStorage.setItem("next", JSON.stringify([named(), Date.now()]));
}

/** The person is where they wanted to go. */
export const dropNext = () => localStorage.removeItem("next");

/** An address with the place after it, where there is one. */
export function withNext(address) {
  return named() ? address + "?next=" + encodeURIComponent(named()) : address;
}

const tokenHere = "token " + location.pathname;

/** Takes the token of a letter's link out of the address: it stays in no history and goes with no other request. This tab has it until it is used. */
export function takeToken() {
  const url = new URL(location.href);
  if (!url.searchParams.has("token")) return;
  sessionStorage.setItem(tokenHere, url.searchParams.get("token"));
  url.searchParams.delete("token");
  history.replaceState(history.state, "", url);
}

/** The token that was taken; null where there is none. */
export const token = () => sessionStorage.getItem(tokenHere);

/** The token was used, or is good for nothing. */
export const dropToken = () => sessionStorage.removeItem(tokenHere);
