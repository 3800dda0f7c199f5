package main

import (
	"fmt"
	"html"

	"opiq/shared/lang"
	"opiq/shared/web"
)

// words are what a person reads here, by language.
type words struct {
	unread, calm, orders string // the bank's answer could not be read
	busy, reload         string // it was read and could not be kept just now
}

var texts = map[lang.Code]words{
	lang.Estonian: {
		unread: "Me ei saanud panga vastust lugeda",
		calm:   "Midagi ei ole kaduma läinud. Kui maksite, annab pank meile sellest ise teada ja makse ilmub mõne minuti pärast tellimuse lehele. Teist korda ei ole vaja maksta.",
		orders: "Minu tellimused",
		busy:   "Palun laadige see leht uuesti",
		reload: "Panga vastus jõudis kohale, kuid me ei saanud seda praegu talletada. Kui maksite, ei ole midagi kaduma läinud: pank annab meile sellest ka ise teada.",
	},
	lang.English: {
		unread: "We could not read the bank’s answer",
		calm:   "You have not lost anything. If you paid, the bank tells us by itself, and the payment will show on the order’s page in a few minutes. You need not pay again.",
		orders: "My orders",
		busy:   "Please reload this page",
		reload: "The bank’s answer arrived, but we could not keep it just now. If you paid, you have not lost anything: the bank also tells us by itself.",
	},
	lang.Russian: {
		unread: "Не удалось прочитать ответ банка",
		calm:   "Ничего не потеряно. Если вы заплатили, банк сам сообщит нам об этом, и через несколько минут платёж появится на странице заказа. Платить ещё раз не нужно.",
		orders: "Мои заказы",
		busy:   "Пожалуйста, обновите эту страницу",
		reload: "Ответ банка пришёл, но сохранить его сейчас не удалось. Если вы заплатили, ничего не потеряно: банк сообщит нам об этом и сам.",
	},
	lang.Kazakh: {
		unread: "Банктің жауабын оқи алмадық",
		calm:   "Ештеңе жоғалған жоқ. Егер төлем жасаған болсаңыз, банк бұл туралы бізге өзі хабарлайды, ал төлем бірнеше минуттан кейін тапсырыс бетінде көрінеді. Қайта төлеудің қажеті жоқ.",
		orders: "Менің тапсырыстарым",
		busy:   "Бұл бетті қайта жүктеңіз",
		reload: "Банктің жауабы келді, бірақ оны дәл қазір сақтай алмадық. Егер төлем жасаған болсаңыз, ештеңе жоғалған жоқ: банк бұл туралы бізге өзі де хабарлайды.",
	},
}

// language is the person's. The banks send back the language that the order named, and English may stand for Kazakh there.
func language(r web.Request, said string) lang.Code {
	accepted := lang.Pick(r.Header("Accept-Language"))
	switch {
	case said == "EST":
		return lang.Estonian
	case said == "RUS":
		return lang.Russian
	case said == "ENG" && accepted != lang.Kazakh:
		return lang.English
	}
	return accepted
}

// unread is the page of an answer that we do not believe.
func (d door) unread(r web.Request, said string) string {
	l := language(r, said)
	t := texts[l]
	return page(l, t.unread, t.calm, fmt.Sprintf(`<p><a href="%s">%s</a></p>`, html.EscapeString(d.publicURL+"/orders"), t.orders))
}

// busy is the page of an answer that we believe and could not keep: a reload sends it once more.
func busy(r web.Request, said string) string {
	l := language(r, said)
	return page(l, texts[l].busy, texts[l].reload, "")
}

func page(l lang.Code, title, text, more string) string {
	return fmt.Sprintf(`<!doctype html>
<html lang="%s">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s · Opiq</title>
<style>
:root{color-scheme:light dark}
body{margin:0;font:1.125rem/1.6 system-ui,sans-serif;display:grid;min-height:100vh;place-items:center}
main{max-width:34rem;padding:1.5rem}
h1{font-size:1.5rem;line-height:1.3}
</style>
<main>
<h1>%s</h1>
<p>%s</p>
%s
</main>
</html>
`, l, title, title, text, more)
}
