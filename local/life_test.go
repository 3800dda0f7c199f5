package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"opiq/local/story"
	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
)

// Works that only this story touches.
const (
	withdrawn = "w031"
	reported  = "w032"
)

// TestALicenseThroughItsWholeLife is one reader from the first license to the end of the last one, with all that can come between: works
// that go and come back, holds that overlap, and a schedule that fires more than once at each moment. After every step the reading room
// is open exactly where the ledger says that it has to be.
func TestALicenseThroughItsWholeLife(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	letters := []string{story.Subject("verify")}
	bought := func(o story.OrderPage) {
		letters = append(letters, story.Subject("payment_receipt", "{order}", o.Number), story.Subject("order_confirmation", "{order}", o.Number))
	}

	// For tomorrow.
	first := p.Buy(3, story.Today().AddDays(1), "lhv")
	bought(first)
	if d := opens(p, "w001", "NOT_STARTED"); !d.At.Equal(first.License.StartsAt) || d.LicenseID != first.License.ID {
		t.Errorf("before its first day: %+v", d)
	}
	if a := access(p); a.Open || !a.From.Equal(first.License.StartsAt) || a.RenewOn != dayOf(first.License.EndsAt) {
		t.Errorf("before its first day: %+v", a)
	}
	s.Schedule(t, "license-activation", first.License.StartsAt.Add(-time.Second))
	p.Gets(letters...)
	rings(t, s, "license-activation", first.License.StartsAt)
	letters = append(letters, story.Subject("license_active"))
	p.Gets(letters...)
	opens(p, "w001", "NOT_STARTED") // a letter is not the key

	// And one for today: tomorrow is a day too late. They overlap, and are one stretch of time.
	second := p.Buy(1, story.Today(), "seb")
	bought(second)
	letters = append(letters, story.Subject("license_active"))
	p.Gets(letters...)
	opens(p, "w001", "VALID")
	a := access(p)
	if !a.Open || !a.From.Equal(second.License.StartsAt) || !a.Until.Equal(first.License.EndsAt) || a.RenewOn != dayOf(first.License.EndsAt) {
		t.Errorf("with two licenses: %+v", a)
	}

	reads(p)
	worksComeAndGo(t, s, p)
	letters = append(letters, holdsComeAndGo(t, s, p)...)
	p.Gets(letters...)

	// They end, one after the other. The next one is bought for the day after the last, while that runs.
	ends := func(l *story.LicensePage) {
		t.Helper()
		rings(t, s, "license-expiry", l.EndsAt)
		letters = append(letters, story.Subject("license_ended"))
		p.Gets(letters...)
	}
	endsSoon := func(l *story.LicensePage) {
		t.Helper()
		for _, days := range []int{14, 3} {
			at := dayOf(l.EndsAt).AddDays(-days).Start(civil.Tallinn)
			s.Schedule(t, "license-expiry", at.Add(-time.Second))
			p.Gets(letters...)
			rings(t, s, "license-expiry", at)
			letters = append(letters, story.Subject("license_ends_soon", "{days}", fmt.Sprint(days, " days")))
			p.Gets(letters...)
		}
	}
	endsSoon(second.License)
	ends(second.License)
	endsSoon(first.License)
	third := p.Buy(1, access(p).RenewOn, "coop")
	bought(third)
	p.Gets(letters...)
	if a = access(p); !a.Open || !a.From.Equal(second.License.StartsAt) || !a.Until.Equal(third.License.EndsAt) {
		t.Errorf("after it was renewed: %+v", a)
	}
	ends(first.License)
	rings(t, s, "license-activation", third.License.StartsAt)
	letters = append(letters, story.Subject("license_active"))
	p.Gets(letters...)

	// Of the last one nothing was told for more than a fortnight: the letter that still makes sense says how it is.
	s.Schedule(t, "license-expiry", third.License.EndsAt.Add(-2*24*time.Hour))
	letters = append(letters, story.Subject("license_ends_soon", "{days}", "2 days"))
	p.Gets(letters...)
	ends(third.License)
	opens(p, "w001", "VALID") // and what decides is the time that it is

	// From the first instant to the last there is no gap, and nothing before or after it.
	l, me := s.Ledger(t), id(p)
	for at := second.License.StartsAt.Add(-48 * time.Hour); at.Before(third.License.EndsAt.Add(48 * time.Hour)); at = at.Add(time.Hour) {
		for _, at := range []time.Time{at.Add(-time.Nanosecond), at} {
			if open, in := l.Opens(me, "w001", at), !at.Before(second.License.StartsAt) && at.Before(third.License.EndsAt); open != in {
				t.Errorf("at %s it is open: %t", at, open)
			}
		}
	}
	for _, want := range []*story.LicensePage{first.License, second.License, third.License} {
		now := story.Read[story.LicensePage](p, p.Ask("GET", "/v1/licenses/"+want.ID, nil), 200)
		if !now.StartsAt.Equal(want.StartsAt) || !now.EndsAt.Equal(want.EndsAt) {
			t.Errorf("the license ran from %s to %s, and runs from %s to %s", want.StartsAt, want.EndsAt, now.StartsAt, now.EndsAt)
		}
	}
}

// rings fires a schedule at an instant and again, as it does where nobody is sure that it fired.
func rings(t *testing.T, s *story.Shop, function string, at time.Time) {
	t.Helper()
	s.Schedule(t, function, at)
	s.Schedule(t, function, at)
}

// dayOf is the day that begins at an instant.
func dayOf(at time.Time) civil.Date { return civil.DateOf(at, civil.Tallinn) }

// accessPage is what licenses come to.
type accessPage struct {
	Open        bool
	From, Until time.Time
	RenewOn     civil.Date
}

func access(p *story.Shopper) accessPage {
	p.T.Helper()
	return story.Read[struct{ Access accessPage }](p, p.Ask("GET", "/v1/licenses", nil), 200).Access
}

// decided is the answer to "may I open this now?".
type decided struct {
	Allowed         bool
	Code, LicenseID string
	At              time.Time
}

// opens wants a work to answer with a code, wherever it is asked for, and to be open exactly where the ledger says so.
func opens(p *story.Shopper, work, code string) decided {
	p.T.Helper()
	d := story.Read[decided](p, p.Ask("GET", "/v1/entitlements?work="+work, nil), 200)
	door := story.Read[decided](p, p.Ask("GET", "/v1/library/works/"+work, nil), 200)
	chapter := p.Ask("GET", "/v1/library/works/"+work+"/chapters/1", nil)
	files := p.Ask("GET", "/v1/library/works/"+work+"/files", nil)
	told := code
	if code == "VALID" {
		told = ""
	}
	if d.Code != code || door != d || chapter.Code() != told || files.Code() != told {
		p.T.Errorf("%s: asked %+v, at the door %+v, inside %d %s, for files %d %s; want %s", work, d, door, chapter.Status, chapter.Code(), files.Status, files.Code(), code)
	}
	if open := p.Shop.Ledger(p.T).Opens(id(p), catalog.WorkID(work), time.Now()); open != d.Allowed || open != (chapter.Status == 200) || open != (files.Status == 200) {
		p.T.Errorf("%s has to be open: %t, and the answer is %+v, then %d and %d", work, open, d, chapter.Status, files.Status)
	}
	return d
}

// id is somebody's account.
func id(p *story.Shopper) account.ID {
	p.T.Helper()
	for _, a := range p.Shop.Ledger(p.T).Accounts {
		if string(a.Address) == p.Email {
			return a.ID
		}
	}
	p.T.Fatalf("%s has no account", p.Email)
	return ""
}

// reads is an evening with two works: chapters, a bookmark, a note, a search and a file.
func reads(p *story.Shopper) {
	p.T.Helper()
	for _, path := range []string{"w001/chapters/1", "w002/chapters/1", "w002/chapters/2"} {
		p.Want(p.Ask("GET", "/v1/library/works/"+path, nil), 200, "")
	}
	was := func() (all []string) {
		room := story.Read[struct {
			decided
			Continue []struct {
				Work      struct{ ID string }
				Chapter   int
				Bookmarks int
				Allowed   bool
			}
		}](p, p.Ask("GET", "/v1/library", nil), 200)
		if !room.Allowed {
			p.T.Errorf("the library is %+v", room)
		}
		for _, c := range room.Continue {
			all = append(all, fmt.Sprintf("%s/%d", c.Work.ID, c.Chapter))
		}
		return all
	}
	story.Until(p.T, 20*time.Second, func() string {
		if got := strings.Join(was(), " "); got != "w002/2 w001/1" {
			return "where I was: " + got
		}
		return ""
	})
	p.Want(p.Ask("PUT", "/v1/library/works/w002/chapters/2/bookmark", nil), 200, "")
	p.Want(p.Ask("PUT", "/v1/library/works/w002/notes/page-7", map[string]any{"chapter": 2, "text": "Küsi õpetajalt"}), 200, "")
	left := story.Read[marks](p, p.Ask("GET", "/v1/library/works/w002/marks", nil), 200)
	if left.Place == nil || left.Place.Chapter != 2 || len(left.Bookmarks) != 1 || len(left.Notes) != 1 || left.Notes[0].Text != "Küsi õpetajalt" {
		p.T.Errorf("left in the work are %+v", left)
	}
	p.Want(p.Ask("DELETE", "/v1/library/works/w002/notes/page-7", nil), 200, "")
	if left = story.Read[marks](p, p.Ask("GET", "/v1/library/works/w002/marks", nil), 200); len(left.Notes) > 0 || len(left.Bookmarks) != 1 {
		p.T.Errorf("left in the work are %+v", left)
	}
	if found := story.Read[struct{ Total int }](p, p.Ask("GET", "/v1/library/search?q=aiapostid%20trepiastmed", nil), 200); found.Total == 0 {
		p.T.Error("nothing is found")
	}
	const files = "/v1/library/works/w001/files"
	all := story.Read[struct{ Files []struct{ Name string } }](p, p.Ask("GET", files, nil), 200).Files
	if len(all) == 0 {
		p.T.Fatal("the work has no files")
	}
	p.Want(p.Ask("GET", files+"/nothing.txt", nil), 404, "no_such_file")
	file := story.Read[struct{ Type, URL string }](p, p.Ask("GET", files+"/"+url.PathEscape(all[0].Name), nil), 200)
	if out, err := http.Get(file.URL); err != nil || out.StatusCode != 200 || out.Header.Get("Content-Type") != file.Type {
		p.T.Errorf("the link leads to %+v (%v)", out, err)
	} else {
		out.Body.Close()
	}
}

// marks are what somebody left in a work.
type marks struct {
	Place            *struct{ Chapter int }
	Bookmarks, Notes []struct {
		ID, Text string
		Chapter  int
	}
}

// worksComeAndGo is a publisher who withdraws a work, and a stranger who says that another one is theirs; both come back. The license
// opens the rest meanwhile.
func worksComeAndGo(t *testing.T, s *story.Shop, p *story.Shopper) {
	t.Helper()
	eve, stranger := s.Employee(t, s.Staff.In("editor")), s.Visitor(t)
	opens(p, withdrawn, "VALID")
	distributed := func(until civil.Date) {
		t.Helper()
		work := registered(eve, withdrawn)
		eve.Want(eve.Ask("PUT", "/v1/works/"+withdrawn+"/distribution", map[string]any{
			"from": work.Distribution.From, "until": until, "agreement": work.Agreement, "confirmed": true, "reason": "The publisher wrote.", "revision": work.Revision,
		}), 200, "")
	}
	until := registered(eve, withdrawn).Distribution.Until
	distributed(story.Today().AddDays(-1))
	if d := opens(p, withdrawn, "WORK_WITHDRAWN"); !d.At.Equal(story.Today().Start(civil.Tallinn)) {
		t.Errorf("it was withdrawn: %+v", d)
	}
	opens(p, "w001", "VALID")

	claim := map[string]any{"name": "Teele Tosin", "email": "teele.tosin@elsewhere.example", "claim": "The pictures on page 4 are mine.", "goodFaith": true}
	number := story.Read[struct{ Report string }](stranger, stranger.Ask("POST", "/v1/works/"+reported+"/takedown-reports", claim), 202).Report
	opens(p, reported, "VALID") // somebody's word is not enough
	hold := story.Read[struct{ Decided struct{ Hold string } }](eve, eve.Ask("POST", "/v1/takedown-reports/"+number+"/decision", map[string]string{
		"decision": "suspend", "reason": "The pictures are in her book of 2019.",
	}), 200).Decided.Hold
	opens(p, reported, "WORK_SUSPENDED_IP")
	opens(p, withdrawn, "WORK_WITHDRAWN")
	opens(p, "w001", "VALID")
	lifts(eve, hold)
	opens(p, reported, "VALID")
	distributed(until)
	opens(p, withdrawn, "VALID")
}

// workPage is a work as staff see it.
type workPage struct {
	ID, Agreement string
	Distribution  struct{ From, Until civil.Date }
	Revision      int
}

func registered(eve *story.Shopper, work string) workPage {
	eve.T.Helper()
	all := story.Read[struct{ Works []workPage }](eve, eve.Ask("GET", "/v1/works?limit=100", nil), 200).Works
	i := slices.IndexFunc(all, func(w workPage) bool { return w.ID == work })
	if i < 0 {
		eve.T.Fatalf("%s is not among %d works", work, len(all))
	}
	return all[i]
}

// lifts is staff lifting a hold.
func lifts(staff *story.Shopper, hold string) {
	staff.T.Helper()
	staff.Want(staff.Ask("POST", "/v1/holds/"+hold+"/lift", map[string]string{"reason": "It is clear now."}), 200, "")
}

// holds is staff placing a hold until a day in a week.
func holds(staff *story.Shopper, on, basis string) string {
	staff.T.Helper()
	return story.Read[struct{ ID string }](staff, staff.Ask("POST", "/v1/holds", map[string]any{
		"on": on, "basis": basis, "measure": "suspend", "reviewOn": story.Today().AddDays(7), "evidence": []string{"ticket 17"}, "reason": "It has to be looked into.",
	}, "Idempotency-Key", fmt.Sprint("hold-", story.Keys.Add(1))), 201).ID
}

// holdsComeAndGo is a hold on the reader's account and one on the class that they are in, lifted one by one: the library opens with the
// last. It answers the letters about them.
func holdsComeAndGo(t *testing.T, s *story.Shop, p *story.Shopper) (letters []string) {
	t.Helper()
	siim := s.Employee(t, s.Staff.In("support"))
	me := story.Read[struct{ Account string }](siim, siim.Ask("GET", "/v1/accounts?email="+p.Email, nil), 200).Account
	class := fmt.Sprint("class:10001234-", story.Keys.Add(1), "b")
	siim.Want(siim.Ask("PUT", "/v1/groups/"+class+"/members/"+me, nil), 204, "")
	opens(p, "w001", "VALID")

	mine := holds(siim, "account:"+me, "false_data")
	opens(p, "w001", "ACCOUNT_HELD")
	ours := holds(siim, "group:"+class, "infringes_ip")
	opens(p, "w001", "ACCOUNT_HELD")
	opens(p, reported, "ACCOUNT_HELD")
	p.Want(p.Ask("GET", "/v1/library/search?q=aiapostid%20trepiastmed", nil), 403, "ACCOUNT_HELD")
	p.Want(p.Ask("POST", "/v1/orders", p.Wish(1, story.Today()), "Idempotency-Key", "while on hold"), 403, "ACCOUNT_HELD") // nobody pays for what would not open
	if left := story.Read[marks](p, p.Ask("GET", "/v1/library/works/w002/marks", nil), 200); len(left.Bookmarks) != 1 {
		t.Errorf("what is mine is not there: %+v", left)
	}
	rings(t, s, "license-activation", time.Now().Add(5*time.Minute)) // the class is told in a while
	s.Rest(t, 30*time.Second)
	lifts(siim, mine)
	opens(p, "w001", "ACCOUNT_HELD")
	lifts(siim, ours)
	opens(p, "w001", "VALID")
	siim.Want(siim.Ask("POST", "/v1/holds/"+ours+"/lift", map[string]string{"reason": "Again."}), 200, "")
	rings(t, s, "license-activation", time.Now().Add(10*time.Minute))
	return []string{story.Subject("service_held"), story.Subject("service_held"), story.Subject("service_resumed", "{still}", ""), story.Subject("service_resumed")}
}

// TestTheReadingRoomOpensAndClosesOnTheInstant moves a license's dates so that it starts and ends within seconds, and asks all the while:
// every answer is the one of an instant between the asking and the answer.
func TestTheReadingRoomOpensAndClosesOnTheInstant(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	o := p.Buy(1, story.Today(), "lhv")
	s.Rest(t, 20*time.Second)
	starts := time.Now().Add(3 * time.Second).UTC() // a busy machine needs some of it
	ends := starts.Add(3 * time.Second)
	me := id(p)
	moves(t, s, me, o.License.ID, starts, ends)
	seen := map[string]int{}
	for time.Now().Before(ends.Add(time.Second / 2)) {
		asked := time.Now()
		d := story.Read[decided](p, p.Ask("GET", "/v1/entitlements?work=w001", nil), 200)
		answered := time.Now()
		switch {
		case answered.Before(starts):
			right(t, d, "NOT_STARTED", starts)
		case !asked.Before(starts) && answered.Before(ends):
			right(t, d, "VALID", ends)
		case !asked.Before(ends):
			right(t, d, "EXPIRED", ends)
		}
		seen[d.Code]++
		time.Sleep(5 * time.Millisecond)
	}
	p.Want(p.Ask("GET", story.Chapter, nil), 403, "EXPIRED")
	if t.Logf("answers: %v", seen); len(seen) != 3 {
		t.Errorf("the answers were %v", seen)
	}
	moves(t, s, me, o.License.ID, o.License.StartsAt, o.License.EndsAt)
	opens(p, "w001", "VALID")
}

func right(t *testing.T, d decided, code string, at time.Time) {
	t.Helper()
	if d.Code != code || !d.At.Equal(at) {
		t.Errorf("the answer is %+v, want %s with %s", d, code, at)
	}
}

// moves writes other dates into a license, which nothing in the shop can do.
func moves(t *testing.T, s *story.Shop, who account.ID, license string, starts, ends time.Time) {
	t.Helper()
	_, err := dynamodb.NewFromConfig(s.AWS).UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(s.Made.Tables["Table"]),
		Key: map[string]types.AttributeValue{
			"PK": &types.AttributeValueMemberS{Value: "ACCOUNT#" + string(who)}, "SK": &types.AttributeValueMemberS{Value: "A#LICENSE#" + license},
		},
		ConditionExpression: aws.String("attribute_exists(PK)"),
		UpdateExpression:    aws.String("SET startsAt = :s, endsAt = :e"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":s": &types.AttributeValueMemberS{Value: starts.Format(time.RFC3339Nano)}, ":e": &types.AttributeValueMemberS{Value: ends.Format(time.RFC3339Nano)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}
