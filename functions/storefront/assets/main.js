// On every page: the language that was chosen, and who is signed in.
import { api, gone, keepFor, who } from "./api.js";
import { fill, h, href, place } from "./dom.js";
import { takeToken } from "./next.js";
import { language, t } from "./texts.js";

takeToken(); // before this page is asked for in another language

// A language that a person chose by the links at the top is chosen for later too.
for (const a of document.querySelectorAll(".languages a")) {
  a.addEventListener("click", () => {
    localStorage.setItem("language", a.lang);
    const here = new URL(location.href); // the script may have gone on since
    here.searchParams.set("lang", a.lang);
    a.href = here;
  });
}
const chosen = localStorage.getItem("language");
const named = new URLSearchParams(location.search).get("lang");
if (!named && chosen && chosen !== language) {
  const url = new URL(location.href);
  url.searchParams.set("lang", chosen);
  location.replace(url);
}

const account = who();
if (account) keepFor(account.id);

// Whoever comes back to a page that the browser kept sees what is, not what was: least of all what another person left. And where
// somebody leaves or another one signs in, the other tabs show no one else's either.
const another = () => who()?.id !== account?.id;
function anew() {
  document.body.hidden = another();
  location.reload();
}
addEventListener("pageshow", (e) => e.persisted && (place() || another()) && anew());
addEventListener("storage", (e) => {
  if (e.key === "left") sessionStorage.clear();
  if (account && another()) anew();
});

if (account) {
  const link = (to, text) => h("li", {}, h("a", { href: href(to), "aria-current": location.pathname === to && "page" }, text));
  fill(
    document.getElementById("mine"),
    h(
      "details",
      { class: "menu" },
      h("summary", {}, h("span", {}, account.name || t("common.account"))),
      h(
        "ul",
        {},
        link("/licenses", t("common.licenses")),
        link("/orders", t("common.orders")),
        link("/account", t("common.account")),
        account.roles.length > 0 && link("/staff", t("common.staff")),
        h("li", {}, h("button", { type: "button", class: "plain", onclick: leave }, t("common.signout")), h("div", { id: "stayed", role: "alert" })),
      ),
    ),
  );
}

// A menu closes when a person turns to something else.
const menus = [...document.querySelectorAll(".menu")];
for (const event of ["click", "focusin"]) {
  document.addEventListener(event, (e) => menus.forEach((m) => (m.open &&= m.contains(e.target))));
}
document.addEventListener("keydown", (e) => {
  const open = e.key === "Escape" && menus.find((m) => m.open);
  if (!open) return;
  open.open = false;
  open.firstElementChild.focus();
});

/** Signs out. Who could not be signed out is told so: others may use this computer too. */
async function leave() {
  const stayed = document.getElementById("stayed");
  fill(stayed);
  try {
    await api("DELETE", "/v1/session", undefined, { quiet: true, again: true });
  } catch (problem) {
    if (problem.status !== 401) {
      fill(stayed, h("p", { class: "note bad" }, t("common.still_in")));
      return;
    }
  }
  gone();
  location.assign(href("/"));
}
