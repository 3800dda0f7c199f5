// The shop's API, as openapi.yaml describes it.
import { h, href, tell } from "./dom.js";
import { has, t } from "./texts.js";

/** What the API refused, or that it was not reached (code "offline"). */
export class Problem extends Error {
  constructor(status, body, wait) {
    super(body.code);
    Object.assign(this, { status, code: body.code, detail: body.detail ?? "", fields: body.errors ?? [], wait });
  }

  /** What a person is told. */
  get text() {
    for (const key of ["problems." + this.code, "common." + this.code]) if (has(key)) return t(key);
    return t("common.unknown");
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

let waiting = 0;
const bar = h("div", { class: "bar", hidden: true });
document.body.append(bar);

/** Shows that something is under way, where it takes longer than 300 ms. */
export async function working(promise) {
  const late = setTimeout(() => {
    if (waiting++ === 0) tell(t("common.working"));
    bar.hidden = false;
  }, 300);
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    if (!bar.hidden && --waiting <= 0) {
      waiting = 0;
      bar.hidden = true;
      tell("");
    }
  }
}

/**
 * Asks the API. A GET that was lost is asked again by itself, and so is what carries a key, for it is done once however often it is
 * asked. Whoever is not signed in goes to sign in and comes back, but where "quiet" wants the Problem.
 */
export async function api(method, path, body, { key, quiet, headers } = {}) {
  try {
    return await working(ask(method, path, body, { key, headers }));
  } catch (e) {
    if (!quiet && e instanceof Problem) {
      const here = encodeURIComponent(location.pathname + location.search);
      if (e.status === 401 && e.code !== "wrong_credentials") {
        forget();
        location.assign(href("/signin?next=" + here));
        await new Promise(() => {}); // the page is left
      }
      if (e.code === "terms_required" || e.code === "TERMS_REQUIRED") {
        location.assign(href("/account/terms?next=" + here));
        await new Promise(() => {});
      }
    }
    throw e;
  }
}

async function ask(method, path, body, { key, headers }) {
  const request = { method, headers: { Accept: "application/json", ...headers }, credentials: "same-origin", cache: "no-cache" };
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  if (key) request.headers["Idempotency-Key"] = key;
  const safe = method === "GET" || Boolean(key);
  for (let tries = safe ? 3 : 1; ; tries--) {
    let answer;
    try {
      answer = await fetch(path, request);
      const text = await answer.text();
      const json = text && /json/.test(answer.headers.get("Content-Type") ?? "") ? JSON.parse(text) : undefined;
      if (answer.ok) return json;
      if (answer.status < 500 || tries <= 1) {
        throw new Problem(answer.status, json?.code ? json : { code: "unknown" }, Number(answer.headers.get("Retry-After")) || undefined);
      }
    } catch (e) {
      if (e instanceof Problem) throw e;
      if (tries <= 1) throw new Problem(0, { code: "offline" });
    }
    await pause(500);
  }
}

/** Who is signed in, as this browser remembers it; null where nobody is. Only for show: the API asks the session itself. */
export function who() {
  try {
    return JSON.parse(localStorage.getItem("who"));
  } catch {
    return null;
  }
}

/** Remembers who signed in. */
export function remember(account) {
  localStorage.setItem("who", JSON.stringify({ name: account.firstName, roles: account.roles }));
  if (!localStorage.getItem("language")) localStorage.setItem("language", account.language);
}

/** Forgets who was signed in. */
export function forget() {
  localStorage.removeItem("who");
}

/** A key for something that must be done once, the same for the same thing in this tab until it is done. */
export function once(thing) {
  const name = "once " + thing;
  let key = sessionStorage.getItem(name);
  if (!key) sessionStorage.setItem(name, (key = crypto.randomUUID()));
  return { key, done: () => sessionStorage.removeItem(name) };
}
