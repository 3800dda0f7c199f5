package browser

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"opiq/local/story"
)

// TestTheShopReadsWithoutScripts: search, works, prices and terms are for everybody, with whatever browser.
func TestTheShopReadsWithoutScripts(t *testing.T) {
	s := story.Shared(t)
	b := sits(s.Visitor(t), phone)
	b.do(emulation.SetScriptExecutionDisabled(true))
	for path, want := range map[string]string{
		"/": "layout.plans", "/works?q=matemaatika": "works.found", "/works/w001": "work.read", "/plans": "plans.lead", "/terms/order": "layout.order", "/help": "help.title", "/problems/order_paid": "problem.code",
	} {
		b.do(chromedp.Navigate(s.URL + path))
		b.sees(want)
		if strings.Contains(b.text(), b.plainly("common.noscript")) {
			t.Errorf("%s wants a script", path)
		}
	}
	b.do(chromedp.Navigate(s.URL + "/checkout"))
	b.sees("common.noscript")
}

// bareText is when a line of bare text stands on that phone where the machine does nothing else, in ms.
const bareText = 330

// TestTheFirstLookIsSmallAndQuick: under 60 KB over the wire with the letters that it is set in, and the largest part of it stands within
// a second on a slow phone with a slow network, with Latin letters and with Cyrillic ones, and with empty hands. Where the machine does
// other things beside, the second is longer: a line of bare text, fetched in the same way, tells how much.
func TestTheFirstLookIsSmallAndQuick(t *testing.T) {
	s := story.Shared(t)
	for _, path := range []string{"/", "/works/w001", "/plans", "/signin", "/terms/use"} {
		for _, language := range []string{"et", "ru"} {
			t.Run(fmt.Sprint(path, " ", language), func(t *testing.T) {
				p := s.Visitor(t)
				p.Language = language
				b := sits(p, phone)
				var weight atomic.Int64
				chromedp.ListenTarget(b.browser, func(event any) {
					if e, ok := event.(*network.EventLoadingFinished); ok {
						weight.Add(int64(e.EncodedDataLength))
					}
				})
				b.do(emulation.SetCPUThrottlingRate(4), network.EmulateNetworkConditions(false, 150, 1_600_000/8, 750_000/8), network.SetCacheDisabled(true))
				painted := func() (ms float64) {
					b.do(chromedp.Evaluate(`new Promise((done) => new PerformanceObserver((l) => done(l.getEntries().at(-1).startTime)).observe({ type: "largest-contentful-paint", buffered: true }))`, &ms, awaited))
					return ms
				}
				var paint, bare, second, jump float64
				for range 5 {
					b.do(chromedp.Navigate(s.URL + "/robots.txt"))
					bare = painted()
					second = max(1000, 1000*bare/bareText)
					weight.Store(0)
					b.goes(path)
					paint = painted()
					b.do(chromedp.Evaluate(`new Promise((done) => { let sum = 0; new PerformanceObserver((l) => { for (const e of l.getEntries()) if (!e.hadRecentInput) sum += e.value }).observe({ type: "layout-shift", buffered: true }); setTimeout(() => done(sum), 300) })`, &jump, awaited))
					if paint < second {
						break
					}
				}
				t.Logf("%d bytes, the largest paint after %.0f ms, bare text after %.0f ms, %.3f jumps", weight.Load(), paint, bare, jump)
				if weight.Load() >= 60_000 {
					t.Errorf("the first look weighs %d bytes", weight.Load())
				}
				if paint >= second {
					t.Errorf("the largest paint comes after %.0f ms, where bare text comes after %.0f ms", paint, bare)
				}
				if jump > 0.02 {
					t.Errorf("the page jumps: %.3f", jump)
				}
			})
		}
	}
}
