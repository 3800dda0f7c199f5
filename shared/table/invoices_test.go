package table_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"opiq/local/fault"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/table"
)

// issue makes the invoice of an order as it was read.
func issue(ctx context.Context, s *table.Table, year int, o order.Order) (invoice.Invoice, error) {
	draft := people.Desk.Draft(o, people.Person(people.Mari, "Mari", "Maasikas", lang.Estonian), nil, people.Noon)
	return s.Issue(ctx, year, func(n invoice.Number) (invoice.Issued, error) { return people.Desk.Issue(n, draft, o, people.Noon) })
}

// waiting are orders that nobody has paid.
func waiting(t *testing.T, s *table.Table, many int) (orders []order.Order) {
	t.Helper()
	mari := people.Person(people.Mari, "Mari", "Maasikas", lang.Estonian)
	wish := order.Wish{Months: 1, StartsOn: civil.Date{Year: 2026, Month: 12, Day: 1}, OrderTerms: "2017-07-01", ImmediateSupply: true}
	for i := range many {
		o, err := order.Place(mari, catalog.Shelf{}, wish, fmt.Sprint(i), people.Noon)
		if err != nil {
			t.Fatal(err)
		}
		o.Number = order.Number(fmt.Sprint(3_000_000_000 + i))
		if _, err := s.Place(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		o.Revision = 1
		orders = append(orders, o)
	}
	return orders
}

// place is an invoice's place in its year's series.
func place(t *testing.T, n invoice.Number) int {
	t.Helper()
	_, digits, _ := strings.Cut(string(n), "-")
	i, err := strconv.Atoi(digits)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestAHundredInvoicesAtOnceHaveTheNumbersUpToAHundred(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	orders := waiting(t, s, 101)
	numbers := make([]int, 100)
	var wait sync.WaitGroup
	for i := range numbers {
		wait.Go(func() {
			made, err := issue(t.Context(), s, 2026, orders[i])
			if err != nil || made.Order != orders[i].Number {
				t.Errorf("order %s has invoice %s of order %s (%v)", orders[i].Number, made.Number, made.Order, err)
				return
			}
			numbers[i] = place(t, made.Number)
		})
	}
	wait.Wait()
	slices.Sort(numbers)
	for i, n := range numbers {
		if n != i+1 {
			t.Fatalf("the numbers are %v", numbers)
		}
	}
	if last, err := issue(t.Context(), s, 2026, orders[100]); err != nil || last.Number != "2026-000101" {
		t.Errorf("the next is %s (%v)", last.Number, err)
	}
	if l := ledger.Holds(t, cfg, name); len(l.Invoices) != 101 {
		t.Errorf("%d invoices", len(l.Invoices))
	}
}

// TestNumbersRise: whoever asks after another one was answered gets a higher number.
func TestNumbersRise(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	const clerks, each = 8, 5
	orders := waiting(t, s, clerks*each)
	var wait sync.WaitGroup
	for c := range clerks {
		wait.Go(func() {
			before := 0
			for _, o := range orders[c*each : (c+1)*each] {
				made, err := issue(t.Context(), s, 2026, o)
				if err != nil {
					t.Error(err)
					return
				}
				if n := place(t, made.Number); n <= before {
					t.Errorf("%d after %d", n, before)
				} else {
					before = n
				}
			}
		})
	}
	wait.Wait()
	ledger.Holds(t, cfg, name)
}

func TestAYearBeginsItsSeriesAnew(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	orders := waiting(t, s, 3)
	for i, year := range []int{2026, 2027, 2026} {
		made, err := issue(t.Context(), s, year, orders[i])
		if want := invoice.NumberOf(year, i/2+1); err != nil || made.Number != want {
			t.Errorf("%s is not %s (%v)", made.Number, want, err)
		}
	}
}

// TestAnOrderThatMovedTakesNoNumber: of many who want an invoice for one order, one gets it, and no number is lost.
func TestAnOrderThatMovedTakesNoNumber(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	orders := waiting(t, s, 2)
	var wait sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range 10 {
		wait.Go(func() {
			_, err := issue(t.Context(), s, 2026, orders[0])
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
			} else if !errors.Is(err, table.ErrChanged) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	next, err := issue(t.Context(), s, 2026, orders[1])
	if made != 1 || err != nil || next.Number != "2026-000002" {
		t.Errorf("%d were made, and the next is %s (%v)", made, next.Number, err)
	}
	ledger.Holds(t, cfg, name)
}

func TestWhatIsNotInvoicedTakesNoNumber(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	orders := waiting(t, s, 1)
	cancelled, err := orders[0].Cancel(people.Noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := issue(t.Context(), s, 2026, cancelled); !errors.Is(err, order.ErrCancelled) {
		t.Error(err)
	}
	if made, err := issue(t.Context(), s, 2026, orders[0]); err != nil || made.Number != "2026-000001" {
		t.Errorf("the first is %s (%v)", made.Number, err)
	}
}

func TestAnInvoiceIsReadBackWhole(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	want := people.Invoice(t, s, people.Waiting, &people.School)
	got, err := s.Invoice(t.Context(), people.Waiting, want.Number)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, book, err := s.Purchase(t.Context(), people.Token(people.Mari), people.Waiting, people.Noon)
	if err != nil || book.Invoice == nil || book.Order.Bill == nil || book.Order.Bill.Invoice != string(want.Number) || book.Order.Bill.Code != people.School.RegistryCode {
		t.Errorf("its order has the bill %+v and the invoice %v (%v)", book.Order.Bill, book.Invoice, err)
	}
	if orders, err := s.Invoiced(t.Context(), "2026-000001", "2026-000002"); err != nil || len(orders) != 1 || orders[want.Number] != people.Waiting {
		t.Errorf("the invoices are of %v (%v)", orders, err)
	}
	for _, none := range []order.Number{people.Running, "9999999999"} {
		if _, err := s.Invoice(t.Context(), none, want.Number); !errors.Is(err, invoice.ErrNone) {
			t.Errorf("order %s: %v", none, err)
		}
	}
}

func TestACreditInvoiceHasTheNextNumberAndIsReadAsItWasMade(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	people.Invoice(t, s, people.Waiting, &people.School)
	people.Transfer(t, s, people.Waiting, 4_96, 1, people.Noon)
	amount := money.Amount(1_65)
	refund := people.GiveBack(t, s, people.Waiting, payment.Ask{Reason: payment.PriceReduction, Amount: &amount, Key: "a third"}, people.Noon)[0]
	_, book, err := s.Purchase(t.Context(), people.Token(people.Mari), people.Waiting, people.Noon)
	if err != nil {
		t.Fatal(err)
	}
	want := people.Desk.Credit(book.Order, book.Invoice, account.Account{}, book.Order.Price.Part(amount, 0), book.License.StartsOn, book.License.ValidThrough(),
		"price_reduction", people.Noon)
	want.Number = "2026-000002"
	got, err := s.Credit(t.Context(), people.Waiting, refund.Credit)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for number, of := range map[invoice.Number]order.Number{"2026-000001": people.Waiting, "2026-000002": people.Running, "2026-000003": people.Waiting} {
		if _, err := s.Credit(t.Context(), of, number); !errors.Is(err, invoice.ErrNoCredit) {
			t.Errorf("%s of order %s: %v", number, of, err)
		}
	}
}

func TestIssuingWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		people.MoveIn(t, table.Open(cfg, name))
		o := waiting(t, table.Open(cfg, name), 1)[0]
		s := table.Open(broken(cfg), name)
		return func(ctx context.Context) error {
				_, err := issue(ctx, s, 2026, o)
				if errors.Is(err, table.ErrChanged) {
					err = nil // it came again after it was done
				}
				return err
			}, func(t *testing.T) {
				if l := ledger.Holds(t, cfg, name); len(l.Invoices) != 1 || l.Invoices[0].Number != "2026-000001" {
					t.Errorf("%+v", l.Invoices)
				}
			}
	})
}

// TestOrdersWithAnInvoiceAreFoundByWhatIsLeftToPay: for as long as money can still pay them.
func TestOrdersWithAnInvoiceAreFoundByWhatIsLeftToPay(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	found := func(open money.Amount) (numbers []order.Number) {
		orders, err := s.OpenAt(t.Context(), open)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range orders {
			numbers = append(numbers, o.Number)
		}
		return numbers
	}
	if got := found(496); len(got) != 0 { // it costs as much, and has no invoice
		t.Errorf("without an invoice: %v", got)
	}
	people.Invoice(t, s, people.Waiting, nil)
	if got := found(496); len(got) != 1 {
		t.Errorf("with one: %v", got)
	}
	people.Transfer(t, s, people.Waiting, 100, 1, people.Noon)
	if got := append(found(496), found(396)...); len(got) != 1 {
		t.Errorf("after a part was paid: %v", got)
	}
	people.Expire(t, s, people.Waiting, people.Noon.AddDate(1, 0, 0))
	if got := append(found(396), found(496)...); len(got) != 1 {
		t.Errorf("after it expired: %v", got)
	}
	people.Transfer(t, s, people.Waiting, 496, 2, people.Noon.Add(time.Hour))
	if got := append(found(496), found(0)...); len(got) != 0 {
		t.Errorf("after it was paid: %v", got)
	}
	ledger.Holds(t, cfg, name)
}
