// The shop's API, as openapi.yaml describes it.
import { h, href, tell, untell } from "./dom.js";
import { explain, has, t } from "./texts.js";

/** What the API refused, or that it was not reached (code "offline"). */
export class Problem extends Error {
  constructor(status, body, wait) {
    super(body.code);
    Object.assign(this, { status, code: body.code, detail: body.detail ?? "", fields: body.errors ?? [], wait });
  }

  /** What a person is told. */
  get text() {
    for (const section of ["problems.", "staff-problems.", "common."]) if (has(section + this.code)) return t(section + this.code);
    return t("problems.unknown");
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

let waiting = 0;
const bar = h("div", { class: "bar", hidden: true });
document.body.append(bar);

/** Shows that something is under way, where it takes longer than 300 ms. */
export async function working(promise) {
  let counted = false;
  const late = setTimeout(() => {
    counted = true;
    if (waiting++ === 0) tell(t("common.working"));
    bar.hidden = false;
  }, 300);
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    if (counted && --waiting === 0) {
      bar.hidden = true;
      untell(t("common.working"));
    }
  }
}

/**
 * Asks the API. A GET or PUT that was lost is asked again by itself, and so is what carries a key, for it is done once however often it
 * is asked. Whoever is not signed in goes to sign in and comes back, but where "quiet" wants the Problem. What is asked again and again
 * is asked "still": nothing shows that it is under way. What comes to the same twice may be asked "again" without a key.
 */
export async function api(method, path, body, { key, quiet, still, again, headers } = {}) {
  try {
    const asked = ask(method, path, body, { key, again, headers });
    return await (still ? asked : working(asked));
  } catch (e) {
    if (!quiet && e instanceof Problem) {
      const here = encodeURIComponent(location.pathname + location.search);
      if (e.status === 401 && e.code !== "wrong_credentials") {
        forget();
        location.replace(href("/signin?next=" + here)); // back leads past the page that cannot be shown
        await new Promise(() => {}); // the page is left
      }
      if (e.code === "TERMS_REQUIRED") {
        location.replace(href("/account/terms?next=" + here));
        await new Promise(() => {});
      }
    }
    throw e;
  }
}

async function ask(method, path, body, { key, again, headers }) {
  const request = { method, headers: { Accept: "application/json", ...headers }, credentials: "same-origin", cache: "no-cache" };
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  if (key) request.headers["Idempotency-Key"] = key;
  const safe = method === "GET" || method === "PUT" || Boolean(key) || again;
  for (let tries = safe ? 3 : 1; ; tries--) {
    let answer;
    try {
      answer = await fetch(path, { ...request, signal: AbortSignal.timeout(35_000) }); // the API answers within 30 seconds
      const text = await answer.text();
      const json = text && /json/.test(answer.headers.get("Content-Type") ?? "") ? JSON.parse(text) : undefined;
      if (answer.ok) return json;
      if (answer.status < 500 || tries <= 1) {
        const said = json?.code ? json : { code: answer.status === 429 ? "busy" : "unknown" }; // the gateway itself says no code
        if (!has("problems." + said.code)) await explain();
        throw new Problem(answer.status, said, Number(answer.headers.get("Retry-After")) || undefined);
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
  localStorage.setItem("who", JSON.stringify({ id: account.id, name: account.firstName, roles: account.roles }));
  if (!localStorage.getItem("language")) localStorage.setItem("language", account.language);
  keepFor(account.id);
}

/** What this tab keeps of somebody is for nobody else. */
export function keepFor(id) {
  const owner = sessionStorage.getItem("owner");
  if (owner && owner !== id) sessionStorage.clear();
  sessionStorage.setItem("owner", id);
}

/** Forgets who was signed in: the session has ended. What they typed stays for when they are back. */
export function forget() {
  localStorage.removeItem("who");
}

/** Somebody left on purpose: what they typed and where they wanted to go is forgotten too. The other tabs hear of it (main.js). */
export function gone() {
  sessionStorage.clear();
  localStorage.removeItem("next");
  localStorage.setItem("left", Date.now());
  forget();
}

/** A key for something that must be done once, the same for the same thing in this tab until it is done. */
export function once(thing) {
  const name = "once " + thing;
  let key = sessionStorage.getItem(name);
  if (!key) sessionStorage.setItem(name, (key = crypto.randomUUID()));
  return { key, done: () => sessionStorage.removeItem(name) };
}
