import { api, gone, remember } from "../api.js";
import { fill, h, href, place, rich, tell } from "../dom.js";
import { button, field, sends, shows } from "../form.js";
import { date, instant } from "../format.js";
import { password } from "../password.js";
import { has, language, t } from "../texts.js";

const contact = place().dataset.email;
const languages = ["et", "en", "ru", "kk"];

const part = (title, ...what) => h("section", {}, h("h2", {}, t(title)), what);

/** Says below a form that it is done. */
function done(form, text) {
  form.querySelector(".note.good")?.remove();
  form.append(h("p", { class: "note good" }, text));
  tell(text);
}

function hold({ basis, since, final }) {
  return h(
    "div",
    { class: "note bad" },
    h("p", {}, h("strong", {}, t(final ? "account.ended" : "account.held", { since: instant(since) }))),
    has("holds." + basis) && h("p", {}, t("holds." + basis)),
    h("p", {}, rich("account.disagree", { mail: "mailto:" + contact }, { email: contact })),
  );
}

function details(account) {
  const name = (label, key, kind) => field(t(label), h("input", { name: key, value: account[key], required: true, maxlength: 100, autocomplete: kind }));
  const spoken = h(
    "select",
    { name: "language" },
    languages.map((l) => h("option", { value: l, lang: l, selected: l === account.language }, t("account.in_" + l))),
  );
  const form = h(
    "form",
    { class: "stack" },
    name("signup.first_name", "firstName", "given-name"),
    name("signup.last_name", "lastName", "family-name"),
    field(t("account.language"), spoken, t("account.language_hint")),
    h("p", {}, h("button", {}, t("account.save"))),
  );
  sends(form, async (typed) => {
    const answer = await api("PATCH", "/v1/account", typed);
    remember(answer.account);
    if (answer.account.language !== account.language) localStorage.setItem("language", answer.account.language);
    account = answer.account;
    if (account.language !== language) speak(account.language);
    else done(form, t("account.saved"));
  });
  return part(
    "account.details",
    h("p", {}, rich("account.email", { mail: "mailto:" + contact }, { email: account.email, contact })),
    form,
  );
}

/** Shows the page in another language. */
function speak(l) {
  const url = new URL(location.href);
  url.searchParams.set("lang", l);
  location.assign(url);
}

function offers(account) {
  const room = h("div", {});
  const show = (wanted, said) => {
    const method = wanted ? "DELETE" : "PUT";
    const turn = button(t(wanted ? "account.offers_stop" : "account.offers_start"), async () => {
      await api(method, "/v1/account/consents/marketing");
      show(!wanted, true);
    });
    const state = t(wanted ? "account.offers_on" : "account.offers_off");
    fill(room, h("p", {}, state), h("p", {}, turn));
    if (said) {
      tell(state);
      turn.focus();
    }
  };
  show(account.marketing);
  return part("account.offers", h("p", { class: "quiet" }, t("account.offers_what")), room);
}

/** The account's address, for what keeps passwords. Nobody sees it. */
const keeper = (account) => h("input", { type: "text", autocomplete: "username", value: account.email, readonly: true, hidden: true });

function replace(account) {
  const form = h(
    "form",
    { class: "stack" },
    keeper(account),
    password(t("account.old"), "old", "current-password"),
    password(t("account.new"), "new", "new-password", t("signup.password_hint")),
    h("p", {}, h("button", {}, t("account.replace"))),
  );
  sends(form, async (typed) => {
    await api("POST", "/v1/account/password", { old: typed.old, new: typed.new });
    form.reset();
    done(form, t("account.replaced"));
  });
  return part("account.password", h("p", {}, rich("account.password_what", { forgot: "/password/forgot" })), form);
}

function close(account, access) {
  const form = h(
    "form",
    { class: "stack" },
    keeper(account),
    password(t("common.password"), "password", "current-password"),
    field(t("account.close_sure"), h("input", { type: "checkbox", name: "sure", required: true })),
    h("p", {}, h("button", { class: "danger" }, t("account.close_send"))),
  );
  sends(form, async (typed) => {
    await api("POST", "/v1/account/closing", { password: typed.password });
    gone();
    closed();
  });
  return part(
    "account.close",
    h(
      "ul",
      {},
      h("li", {}, t("account.close_goes")),
      h("li", {}, rich("account.close_stays", { privacy: "/terms/privacy" })),
      h("li", {}, rich("account.close_first", { orders: "/orders" })),
      h("li", {}, t("account.close_again")),
    ),
    access.until && h("p", { class: "note warn" }, t("account.close_license", { date: date(access.validThrough) })),
    h("details", {}, h("summary", {}, t("account.close_open")), form),
  );
}

function closed() {
  const title = h("h2", { tabindex: "-1" }, t("account.closed_title"));
  fill(document.getElementById("mine"), h("a", { href: href("/signin") }, t("common.signin")));
  fill(place(), title, h("p", {}, t("account.closed")), h("p", {}, h("a", { class: "button", href: href("/") }, t("account.home"))));
  title.focus();
}

shows(place(), "/v1/session", async ({ account }) => {
  const { access } = await api("GET", "/v1/licenses");
  return [account.holds.map(hold), details(account), offers(account), replace(account), close(account, access)];
});
