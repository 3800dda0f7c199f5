package vat

import (
	"testing"

	"opiq/shared/civil"
	"opiq/shared/money"
)

func TestLicense(t *testing.T) {
	for day, want := range map[string]money.Rate{
		"2020-05-01": 2000, "2023-12-31": 2000,
		"2024-01-01": 2200, "2025-06-30": 2200,
		"2025-07-01": 2400, "2026-11-22": 2400, "2040-01-01": 2400,
	} {
		d, err := civil.Parse(day)
		if err != nil {
			t.Fatal(err)
		}
		if got := On(License, d); got != want {
			t.Errorf("%s: got %d, want %d", day, got, want)
		}
	}
}

func TestTableIsInOrder(t *testing.T) {
	for i := 1; i < len(table); i++ {
		if !table[i-1].from.Before(table[i].from) {
			t.Errorf("%v stands after %v", table[i].from, table[i-1].from)
		}
	}
}

func TestNoRateIsGuessed(t *testing.T) {
	today := civil.Date{Year: 2026, Month: 1, Day: 1}
	for name, ask := range map[string]func(){
		"a day before the table":   func() { On(License, table[0].from.AddDays(-1)) },
		"no day":                   func() { On(License, civil.Date{}) },
		"a product without a rate": func() { On("newspaper", today) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("a rate was given")
				}
			}()
			ask()
		})
	}
}
