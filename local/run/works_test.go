package run

import (
	"testing"
	"time"

	"opiq/local/buckets"
	"opiq/local/engines"
	"opiq/shared/bucket"
)

func TestEveryWorkHasAWorksheet(t *testing.T) {
	s := &Shop{}
	defer s.Stop()
	at, err := s.serve(buckets.New(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	s.AWS, s.Made.Buckets = engines.Config(map[string]string{"S3": at}), map[string]string{"Files": "works"}
	if err := engines.CreateBucket(t.Context(), s.AWS, "works"); err != nil {
		t.Fatal(err)
	}
	for i := range 2 { // the second time all are there
		began := time.Now()
		if err := s.stock(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Logf("the %d. time it takes %v", i+1, time.Since(began))
	}
	all, err := bucket.Open(s.AWS, "works").List(t.Context(), "works/")
	if err != nil || len(all) != 300 || all[0].Key != "works/w001/Tööleht.txt" || all[0].Size < 100 {
		t.Errorf("%d files, the first is %+v (%v)", len(all), all[0], err)
	}
}
