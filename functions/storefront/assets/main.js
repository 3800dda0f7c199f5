// On every page: the language that was chosen, and who is signed in.
import { api, forget, who } from "./api.js";
import { fill, h, href } from "./dom.js";
import { language, t } from "./texts.js";

// A language that a person chose by the links at the foot is chosen for later too.
for (const a of document.querySelectorAll(".languages a")) {
  a.addEventListener("click", () => localStorage.setItem("language", a.lang));
}
const chosen = localStorage.getItem("language");
const named = new URLSearchParams(location.search).get("lang");
if (!named && chosen && chosen !== language) {
  const url = new URL(location.href);
  url.searchParams.set("lang", chosen);
  location.replace(url);
}

const account = who();
if (account) {
  const link = (to, text) => h("a", { href: href(to), "aria-current": location.pathname === to && "page" }, text);
  fill(
    document.getElementById("mine"),
    link("/library", t("common.library")),
    link("/licenses", t("common.licenses")),
    link("/orders", t("common.orders")),
    account.roles.length > 0 && link("/staff", t("common.staff")),
    link("/account", account.name || t("common.account")),
    h("button", { type: "button", class: "plain", onclick: leave }, t("common.signout")),
  );
}

async function leave() {
  try {
    await api("DELETE", "/v1/session", undefined, { quiet: true });
  } finally {
    forget();
    location.assign(href("/"));
  }
}
