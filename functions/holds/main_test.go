package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/service"
	"opiq/shared/table"
	"opiq/shared/web"
)

func open(cfg aws.Config, name string) desk {
	return desk{table.Open(cfg, name), web.CookieAt(people.PublicURL), people.Now}
}

// Who looks after people here, and who after works.
const (
	peeter account.ID = "55555555555555555555555555555555"
	piret  account.ID = "66666666666666666666666666666666"
	kristi account.ID = "77777777777777777777777777777777"
)

const (
	school account.GroupID = "school:10001234"
	class  account.GroupID = "class:10001234-5b"
)

var today = civil.DateOf(people.Noon, civil.Tallinn)

// corner is a table with Mari, who is of a school, her licenses, Jaan, and who looks after them.
func corner(t testing.TB) (aws.Config, string) {
	t.Helper()
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	people.Employ(t, s)
	people.Program(t, s, account.Service)
	employ(t, s, kristi, "Kristi", account.Editor)
	employ(t, s, peeter, "Peeter", account.Support)
	employ(t, s, piret, "Piret", account.Support)
	join(t, s, people.Mari, school)
	return cfg, name
}

// room is a table with Mari, who is of a school, Jaan, and who looks after them, and nothing else.
func room(t testing.TB) (aws.Config, string) {
	t.Helper()
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	for _, a := range []account.Account{people.Person(people.Mari, "Mari", "Maasikas", lang.Estonian), people.Person(people.Jaan, "Jaan", "Jõgi", lang.Russian)} {
		used := account.SignUp{ID: account.SignUpID(a.Address.Hash() + "-" + string(a.ID)), Account: a, UsedAt: people.Noon}
		if err := s.Found(t.Context(), used); err != nil {
			t.Fatal(err)
		}
	}
	employ(t, s, peeter, "Peeter", account.Support)
	employ(t, s, piret, "Piret", account.Support)
	join(t, s, people.Mari, school)
	return cfg, name
}

func employ(t testing.TB, s *table.Table, id account.ID, first string, role account.Role) {
	t.Helper()
	a := people.Person(id, first, "Paju", lang.Estonian)
	a.Roles = []account.Role{role}
	act := account.Act{At: people.Noon, Actor: account.Operator.String(), What: account.Enrolled, Object: a.Actor().String()}
	if err := s.Enroll(t.Context(), account.Enlisted{Account: a, Act: act}); err != nil {
		t.Fatal(err)
	}
}

// world is the same with holds.
func world(t testing.TB) (aws.Config, string) {
	t.Helper()
	cfg, name := corner(t)
	s := table.Open(cfg, name)
	join(t, s, people.Jaan, class)
	place(t, s, peeter, "license", suspending(hold.On(hold.OnLicense, license.Of(string(people.Running))), hold.Unpaid, 14))
	place(t, s, peeter, "ahead", suspending(hold.On(hold.OnLicense, license.Of(string(people.Ahead))), hold.Harmful, 15))
	place(t, s, peeter, "class", suspending(hold.On(hold.OnGroup, class), hold.Unacceptable, 16))
	place(t, s, kristi, "work", suspending("work:w002", hold.SuspectedIP, 14))
	jaan := hold.On(hold.OnAccount, people.Jaan)
	r := place(t, s, peeter, "jaan", suspending(jaan, hold.Harmful, 14))
	decide(t, s, r.ID, func(r hold.Record, thing service.Thing) (service.Decision, error) {
		return service.Confirm(r, *thing.Account, "He said so", actor(peeter), people.Noon.AddDate(0, 0, -1))
	})
	r = place(t, s, peeter, "lifted", suspending(jaan, hold.FalseData, 14))
	decide(t, s, r.ID, func(r hold.Record, thing service.Thing) (service.Decision, error) {
		return service.Lift(r, thing, "The name was right", actor(peeter), people.Noon)
	})
	place(t, s, peeter, "school", ending("group:school:10009999"))
	return cfg, name
}

func actor(id account.ID) account.Actor { return account.Actor{Account: id} }

func suspending(on hold.Object, b hold.Basis, days int) hold.Wish {
	return hold.Wish{On: on, Basis: b, Measure: hold.Suspend, ReviewOn: today.AddDays(days), Evidence: []string{"ticket 4711"}, Today: today}
}

func ending(on hold.Object) hold.Wish {
	word := hold.Word{Signatory: "Head of the school", Document: "letter 12-3/88", On: today.AddDays(-2), Opinion: "The school agrees"}
	return hold.Wish{On: on, Basis: hold.InfringesIP, Measure: hold.End, Evidence: []string{"ticket 4711", "ticket 4802"}, School: &word, Today: today}
}

func place(t testing.TB, s *table.Table, by account.ID, key string, w hold.Wish) hold.Record {
	t.Helper()
	thing, err := s.Closing(t.Context(), w.On)
	if err != nil {
		t.Fatal(err)
	}
	d, err := service.Place(w, key, thing, actor(by), people.Noon)
	if err == nil {
		err = s.Decide(t.Context(), d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d.Records[0]
}

func decide(t testing.TB, s *table.Table, id hold.ID, take func(hold.Record, service.Thing) (service.Decision, error)) {
	t.Helper()
	r, err := s.Hold(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	thing, err := s.Closing(t.Context(), r.On)
	if err != nil {
		t.Fatal(err)
	}
	d, err := take(r, thing)
	if err == nil {
		err = s.Decide(t.Context(), d)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func join(t testing.TB, s *table.Table, id account.ID, g account.GroupID) {
	t.Helper()
	a, known, group, err := s.Member(t.Context(), id, g)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := a.Join(g, known, actor(peeter), people.Noon)
	if err == nil {
		err = s.Enlist(t.Context(), m, group, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// lines are what the table holds, a line a thing: what an event has changed is the lines that were not there before.
func lines(l ledger.Ledger) (all []string) {
	line := func(format string, a ...any) { all = append(all, fmt.Sprintf(format, a...)) }
	for _, a := range l.Accounts {
		line("account: %s, holds %v, breaches %v, groups %v, %d sessions", a.FirstName, bases(a.Holds), a.Breaches, a.Groups, len(a.Sessions))
	}
	for _, a := range l.Acts {
		line("act: %s %s %s %q %v", a.Actor, a.What, a.Object, a.Reason, a.Detail)
	}
	for _, r := range l.Holds {
		review := ""
		if !r.ReviewOn.IsZero() {
			review = ", review " + r.ReviewOn.String()
		}
		line("hold: %s on %s %s, %s%s, telling %t", r.ID, r.On, r.State, r.Basis, review, r.Telling != nil)
	}
	for _, x := range l.Letters {
		if strings.HasPrefix(string(x.ID), "hold/") {
			line("letter: %s %s %v", x.ID, x.Kind, x.Facts)
		}
	}
	for _, x := range l.Licenses {
		line("license: %s %s, %s, holds %v", x.ID, x.Stage, x.At(people.Noon), bases(x.Holds))
	}
	for _, g := range l.Groups {
		line("group: %s, holds %v", g.ID, bases(g.Holds))
	}
	for _, m := range l.Members {
		line("member: %s of %s, left %t", m.Account, m.Group, !m.LeftAt.IsZero())
	}
	for _, w := range l.Works {
		line("work: %s, holds %v", w.ID, bases(w.Holds))
	}
	slices.Sort(all)
	return all
}

func bases(s hold.Set) (all []hold.Basis) {
	for _, h := range s {
		all = append(all, h.Basis)
	}
	return all
}

func TestEvents(t *testing.T) {
	golden.Changes(t, "holds", func(t *testing.T) (func(*testing.T, []byte) any, func(*testing.T) []string) {
		cfg, name := world(t)
		play := func(t *testing.T, event []byte) any { return people.Answer(t, open(cfg, name).routes(), event) }
		return play, func(t *testing.T) []string { return lines(ledger.Holds(t, cfg, name)) }
	})
}

var errStatus = errors.New("an answer that a browser would try again")

// ask asks in somebody's name, and answers the status.
func ask(ctx context.Context, d desk, route string, who account.ID, path map[string]string, body any) (int, error) {
	out, err := d.routes().Handle(ctx, people.Request(route, who, path, body))
	if err == nil && out.StatusCode >= 500 {
		err = errStatus
	}
	return out.StatusCode, err
}

// asked is a body for a wish.
func asked(w hold.Wish) map[string]any {
	body := map[string]any{"on": w.On, "basis": w.Basis, "measure": w.Measure, "evidence": w.Evidence}
	if !w.ReviewOn.IsZero() {
		body["reviewOn"] = w.ReviewOn
	}
	if w.School != nil {
		body["school"] = w.School
	}
	return body
}

const placing = "POST /v1/holds"

// TestPlacingWithEveryCallBroken: of a license, which takes most calls, and of a group.
func TestPlacingWithEveryCallBroken(t *testing.T) {
	for name, c := range map[string]struct {
		in      func(testing.TB) (aws.Config, string)
		wish    hold.Wish
		letters int
	}{
		"license": {corner, suspending(hold.On(hold.OnLicense, license.Of(string(people.Running))), hold.Harmful, 7), 1},
		"group":   {room, suspending(hold.On(hold.OnGroup, school), hold.Harmful, 7), 0},
	} {
		t.Run(name, func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				cfg, name := c.in(t)
				d := open(broken(cfg), name)
				return func(ctx context.Context) error {
						status, err := ask(ctx, d, placing, peeter, nil, asked(c.wish))
						if err == nil && status != 201 {
							err = fmt.Errorf("%d", status)
						}
						return err
					}, func(t *testing.T) {
						l := ledger.Holds(t, cfg, name)
						if len(l.Holds) != 1 || l.Count(letter.ServiceHeld) != c.letters {
							t.Errorf("%d holds, %d letters", len(l.Holds), l.Count(letter.ServiceHeld))
						}
					}
			})
		})
	}
}

// TestADecisionWithEveryCallBroken: each that changes more than the record. Whoever sends it twice hears that it is done.
func TestADecisionWithEveryCallBroken(t *testing.T) {
	reason := map[string]any{"reason": "They told us so themselves"}
	for name, c := range map[string]struct {
		in    func(testing.TB) (aws.Config, string)
		route string
		wish  hold.Wish
		body  any
		event hold.Event
	}{
		"approval":     {room, "POST /v1/holds/{id}/approval", ending(hold.On(hold.OnGroup, school)), nil, hold.WasApproved},
		"confirmation": {corner, "POST /v1/holds/{id}/confirmation", suspending(hold.On(hold.OnLicense, license.Of(string(people.Running))), hold.Harmful, 7), reason, hold.WasConfirmed},
		"lift":         {room, "POST /v1/holds/{id}/lift", suspending(hold.On(hold.OnAccount, people.Mari), hold.Harmful, 7), reason, hold.WasLifted},
	} {
		t.Run(name, func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				cfg, name := c.in(t)
				r := place(t, table.Open(cfg, name), peeter, "once", c.wish)
				d := open(broken(cfg), name)
				return func(ctx context.Context) error {
						status, err := ask(ctx, d, c.route, piret, map[string]string{"id": string(r.ID)}, c.body)
						if err == nil && status != 200 {
							err = fmt.Errorf("%d", status)
						}
						return err
					}, func(t *testing.T) {
						l := ledger.Holds(t, cfg, name)
						times := 0
						for _, h := range l.Holds[0].History {
							if h.Event == c.event {
								times++
							}
						}
						if times != 1 {
							t.Errorf("%s %d times", c.event, times)
						}
					}
			})
		})
	}
}

// TestMembershipWithEveryCallBroken: somebody joins a group on hold, and another one leaves it.
func TestMembershipWithEveryCallBroken(t *testing.T) {
	for method, want := range map[string]bool{"PUT": true, "DELETE": false} {
		t.Run(method, func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				cfg, name := room(t)
				s, who := table.Open(cfg, name), map[bool]account.ID{true: people.Jaan, false: people.Mari}[want]
				place(t, s, peeter, "once", suspending(hold.On(hold.OnGroup, school), hold.Harmful, 7))
				d := open(broken(cfg), name)
				return func(ctx context.Context) error {
						status, err := ask(ctx, d, method+" /v1/groups/{group}/members/{account}", peeter, map[string]string{"group": string(school), "account": string(who)}, nil)
						if err == nil && status != 204 {
							err = fmt.Errorf("%d", status)
						}
						return err
					}, func(t *testing.T) {
						l := ledger.Holds(t, cfg, name)
						a, err := s.Account(t.Context(), who)
						if err != nil || slices.Contains(a.Groups, school) != want || want && l.Count(letter.ServiceHeld) != 1 {
							t.Errorf("in %v, %d letters (%v)", a.Groups, l.Count(letter.ServiceHeld), err)
						}
					}
			})
		})
	}
}

func TestNobodyPutsThemselvesIntoAGroupOrOut(t *testing.T) {
	cfg, name := room(t)
	for _, method := range []string{"PUT", "DELETE"} {
		path := map[string]string{"group": string(school), "account": string(peeter)}
		if status, err := ask(t.Context(), open(cfg, name), method+" /v1/groups/{group}/members/{account}", peeter, path, nil); err != nil || status != 403 {
			t.Errorf("%s: %d (%v)", method, status, err)
		}
	}
}

// TestLookingSomebodyUpWithEveryCallBroken: nothing is shown that is not remembered, and nobody is looked for unseen.
func TestLookingSomebodyUpWithEveryCallBroken(t *testing.T) {
	for address, want := range map[account.Address]string{
		"jaan@example.ee": "account:" + string(people.Jaan), "nobody@example.ee": "address:" + account.Address("nobody@example.ee").Hash(),
	} {
		t.Run(string(address), func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				cfg, name := room(t)
				d := open(broken(cfg), name)
				return func(ctx context.Context) error {
						r := people.Request("GET /v1/accounts", peeter, nil, nil)
						r.RawQueryString = "email=" + url.QueryEscape(string(address))
						out, err := d.routes().Handle(ctx, r)
						if err == nil && out.StatusCode >= 500 {
							err = errStatus
						}
						return err
					}, func(t *testing.T) {
						seen := slices.DeleteFunc(ledger.Holds(t, cfg, name).Acts, func(a account.Act) bool {
							return a.What != account.PersonSeen && a.What != account.AddressSought
						})
						if len(seen) != 1 || seen[0].Object != want {
							t.Errorf("%+v", seen)
						}
					}
			})
		})
	}
}

// TestOneKeyIsOneHold: at once.
func TestOneKeyIsOneHold(t *testing.T) {
	cfg, name := room(t)
	d, body := open(cfg, name), asked(suspending(hold.On(hold.OnAccount, people.Mari), hold.Harmful, 7))
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			if status, err := ask(t.Context(), d, placing, peeter, nil, body); err != nil || status != 201 {
				t.Errorf("%d (%v)", status, err)
			}
		})
	}
	wait.Wait()
	if l := ledger.Holds(t, cfg, name); len(l.Holds) != 1 || l.Count(letter.ServiceHeld) != 1 {
		t.Errorf("%d holds, %d letters", len(l.Holds), l.Count(letter.ServiceHeld))
	}
}

// TestOneKeyIsOneHoldOnAnyDay: also after the day on which it was to be looked at.
func TestOneKeyIsOneHoldOnAnyDay(t *testing.T) {
	cfg, name := room(t)
	d, body := open(cfg, name), asked(suspending(hold.On(hold.OnAccount, people.Mari), hold.Harmful, 1))
	for days := range 3 {
		d.now = func() time.Time { return people.Noon.AddDate(0, 0, days) }
		if status, err := ask(t.Context(), d, placing, peeter, nil, body); err != nil || status != 201 {
			t.Errorf("%d days later: %d (%v)", days, status, err)
		}
	}
	body["basis"] = "nonsense"
	if status, err := ask(t.Context(), d, placing, peeter, nil, body); err != nil || status != 422 {
		t.Errorf("another body, and a wrong one: %d (%v)", status, err)
	}
}

// TestSeveralAtOnceAboutOneAccountAreAllDone: each takes its turn.
func TestSeveralAtOnceAboutOneAccountAreAllDone(t *testing.T) {
	cfg, name := room(t)
	d := open(cfg, name)
	var wait sync.WaitGroup
	for _, b := range []hold.Basis{hold.Harmful, hold.Unacceptable, hold.FalseData} {
		wait.Go(func() {
			r := people.Request(placing, peeter, nil, asked(suspending(hold.On(hold.OnAccount, people.Mari), b, 7)))
			r.Headers["idempotency-key"] = string(b)
			if out, err := d.routes().Handle(t.Context(), r); err != nil || out.StatusCode != 201 {
				t.Errorf("%s (%v)", out.Body, err)
			}
		})
	}
	wait.Wait()
	if l := ledger.Holds(t, cfg, name); len(l.Holds) != 3 {
		t.Errorf("%d holds", len(l.Holds))
	}
}

// TestALicenseThatWasHeldIsToldOfAgain: while it is on hold nobody hears that it opens; then the index lists it again.
func TestALicenseThatWasHeldIsToldOfAgain(t *testing.T) {
	cfg, name := corner(t)
	s, d := table.Open(cfg, name), open(cfg, name)
	due := func() (ids []license.ID) {
		for shard := range table.Shards {
			page, _, err := s.DueLicenses(t.Context(), table.Activation, shard, people.Noon.AddDate(0, 3, 0), "")
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range page {
				ids = append(ids, l.ID)
			}
		}
		return ids
	}
	ahead := license.Of(string(people.Ahead))
	if !slices.Contains(due(), ahead) {
		t.Fatalf("%v", due())
	}
	r := place(t, s, peeter, "once", suspending(hold.On(hold.OnLicense, ahead), hold.Harmful, 7))
	if slices.Contains(due(), ahead) {
		t.Errorf("on hold: %v", due())
	}
	if status, err := ask(t.Context(), d, "POST /v1/holds/{id}/lift", peeter, map[string]string{"id": string(r.ID)}, map[string]any{"reason": "over"}); err != nil || status != 200 || !slices.Contains(due(), ahead) {
		t.Errorf("lifted (%d, %v): %v", status, err, due())
	}
}

// TestMembersOfAGroupAreTold of a hold and of its end, by the index of what is due.
func TestMembersOfAGroupAreTold(t *testing.T) {
	cfg, name := room(t)
	s, d := table.Open(cfg, name), open(cfg, name)
	join(t, s, people.Jaan, school)
	r := place(t, s, peeter, "once", suspending(hold.On(hold.OnGroup, school), hold.Harmful, 7))
	notify := func(now time.Time) (moved int) {
		t.Helper()
		for shard := range table.Shards {
			page, _, err := s.DueNotices(t.Context(), shard, now, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page {
				ok, err := hold.Notify(t.Context(), s, r, now)
				if err != nil {
					t.Fatal(err)
				}
				if ok {
					moved++
				}
			}
		}
		return moved
	}
	if n := notify(people.Noon); n != 0 {
		t.Errorf("at once: %d", n)
	}
	if n := notify(people.Noon.Add(time.Minute)); n != 1 || ledger.Holds(t, cfg, name).Count(letter.ServiceHeld) != 2 {
		t.Errorf("%d holds were told of, by %d letters", n, ledger.Holds(t, cfg, name).Count(letter.ServiceHeld))
	}
	if status, err := ask(t.Context(), d, "POST /v1/holds/{id}/lift", peeter, map[string]string{"id": string(r.ID)}, map[string]any{"reason": "over"}); err != nil || status != 200 {
		t.Fatal(status, err)
	}
	if n := notify(people.Noon.Add(time.Minute)); n != 1 || ledger.Holds(t, cfg, name).Count(letter.ServiceResumed) != 2 {
		t.Errorf("%d holds were told of, by %d letters", n, ledger.Holds(t, cfg, name).Count(letter.ServiceResumed))
	}
	if n := notify(people.Noon.Add(time.Hour)); n != 0 {
		t.Errorf("and again: %d", n)
	}
}

// TestWhoLeavesAGroupOnHoldHearsThatItClosesThemNoMore: once, whatever becomes of the hold.
func TestWhoLeavesAGroupOnHoldHearsThatItClosesThemNoMore(t *testing.T) {
	cfg, name := room(t)
	s, d := table.Open(cfg, name), open(cfg, name)
	place(t, s, peeter, "once", suspending(hold.On(hold.OnGroup, school), hold.Harmful, 7))
	path := map[string]string{"group": string(school), "account": string(people.Jaan)}
	for _, method := range []string{"PUT", "DELETE", "PUT", "DELETE"} {
		if status, err := ask(t.Context(), d, method+" /v1/groups/{group}/members/{account}", peeter, path, nil); err != nil || status != 204 {
			t.Fatalf("%s: %d (%v)", method, status, err)
		}
	}
	if l := ledger.Holds(t, cfg, name); l.Count(letter.ServiceHeld) != 1 || l.Count(letter.ServiceResumed) != 1 {
		t.Errorf("%d letters of the hold, %d of its end", l.Count(letter.ServiceHeld), l.Count(letter.ServiceResumed))
	}
}

// TestTellingWithEveryCallBroken: nobody is told twice, and nobody is left out.
func TestTellingWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := room(t)
		s := table.Open(cfg, name)
		join(t, s, people.Jaan, school)
		r := place(t, s, peeter, "once", suspending(hold.On(hold.OnGroup, school), hold.Harmful, 7))
		worker := table.Open(broken(cfg), name)
		return func(ctx context.Context) error {
				r, err := worker.Hold(ctx, r.ID)
				if err == nil {
					_, err = hold.Notify(ctx, worker, r, people.Noon.Add(time.Hour))
				}
				return err
			}, func(t *testing.T) {
				l := ledger.Holds(t, cfg, name)
				if l.Count(letter.ServiceHeld) != 2 || l.Holds[0].Telling != nil {
					t.Errorf("%d letters: %+v", l.Count(letter.ServiceHeld), l.Holds[0])
				}
			}
	})
}
