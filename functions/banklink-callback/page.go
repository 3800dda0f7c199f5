package main

import (
	"fmt"
	"html"

	"opiq/shared/lang"
	"opiq/shared/seller"
	"opiq/shared/web"
)

// words are what a person reads here, by language.
type words struct {
	unread, calm string // the bank's answer could not be read
	busy, reload string // it was read and could not be kept just now
	help         string // %s is where to write
	orders       string
}

var texts = map[lang.Code]words{
	lang.Estonian: {
		unread: "Me ei saanud panga vastust lugeda",
		calm:   "Midagi ei ole kaduma läinud. Kui maksid, annab pank meile sellest ise teada ja makse ilmub mõne minuti pärast tellimuse lehele. Teist korda ei ole vaja maksta.",
		busy:   "Palun laadi see leht uuesti",
		reload: "Panga vastus jõudis kohale, kuid me ei saanud seda praegu salvestada. Kui maksid, ei ole midagi kaduma läinud: pank annab meile sellest ka ise teada. Teist korda ei ole vaja maksta.",
		help:   "Kui makset tunni aja pärast näha ei ole, kirjuta meile: %s.",
		orders: "Minu tellimused",
	},
	lang.English: {
		unread: "We could not read the bank’s answer",
		calm:   "Nothing is lost. If you paid, the bank tells us by itself, and the payment shows on the order’s page in a few minutes. You do not need to pay again.",
		busy:   "Please reload this page",
		reload: "The bank’s answer arrived, but we could not save it just now. If you paid, nothing is lost: the bank also tells us by itself. You do not need to pay again.",
		help:   "If the payment does not show within an hour, write to us: %s.",
		orders: "My orders",
	},
	lang.Russian: {
		unread: "Не удалось прочитать ответ банка",
		calm:   "Ничего не потеряно. Если вы заплатили, банк сам сообщит нам об этом, и через несколько минут платёж появится на странице заказа. Платить ещё раз не нужно.",
		busy:   "Пожалуйста, обновите эту страницу",
		reload: "Ответ банка пришёл, но сохранить его сейчас не удалось. Если вы заплатили, ничего не потеряно: банк сообщит нам об этом и сам. Платить ещё раз не нужно.",
		help:   "Если через час платёж не появится, напишите нам: %s.",
		orders: "Мои заказы",
	},
	lang.Kazakh: {
		unread: "Банктің жауабын оқи алмадық",
		calm:   "Ештеңе жоғалған жоқ. Егер төлем жасаған болсаңыз, банк бұл туралы бізге өзі хабарлайды, ал төлем бірнеше минуттан кейін тапсырыс бетінде көрінеді. Қайта төлеудің қажеті жоқ.",
		busy:   "Бұл бетті қайта жүктеңіз",
		reload: "Банктің жауабы келді, бірақ оны дәл қазір сақтай алмадық. Егер төлем жасаған болсаңыз, ештеңе жоғалған жоқ: банк бұл туралы бізге өзі де хабарлайды. Қайта төлеудің қажеті жоқ.",
		help:   "Төлем бір сағаттан кейін де көрінбесе, бізге жазыңыз: %s.",
		orders: "Менің тапсырыстарым",
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
	return d.page(l, texts[l].unread, texts[l].calm)
}

// busy is the page of an answer that we believe and could not keep: a reload sends it once more.
func (d door) busy(r web.Request, said string) string {
	l := language(r, said)
	return d.page(l, texts[l].busy, texts[l].reload)
}

func (d door) page(l lang.Code, title, text string) string {
	write := fmt.Sprintf(`<a href="mailto:%[1]s">%[1]s</a>`, html.EscapeString(seller.StarCloud.Email))
	return fmt.Sprintf(`<!doctype html>
<html lang="%s">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s · Opiq</title>
<style>
:root{color-scheme:light dark}
body{margin:0;background:light-dark(#fff,#14161a);color:light-dark(#1b1b1b,#eceef1);font:1.125rem/1.6 system-ui,sans-serif;display:grid;min-height:100vh;place-items:center}
main{max-width:34rem;padding:1.5rem;overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.3}
a{color:light-dark(#0b4f8a,#8ec2ff)}
:focus-visible{outline:3px solid;outline-offset:2px}
</style>
<main>
<h1>%s</h1>
<p>%s</p>
<p>%s</p>
<p><a href="%s">%s</a></p>
</main>
</html>
`, l, title, title, text, fmt.Sprintf(texts[l].help, write), html.EscapeString(d.publicURL+"/orders"), texts[l].orders)
}
