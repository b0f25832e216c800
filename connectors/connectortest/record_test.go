package connectortest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRecordsAreReadAsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "testdata", "laws.txt")
	all := []Record{
		{"a map", []Fault{FaultHang, FaultRead}, []Outcome{{"read/empty", Holds, ""}, {"read/standing", Beside, "it has none: never"}}},
		{"a server 2.6", nil, []Outcome{{"apply/lost-reply", Waived, "no network"}}},
	}
	if err := writeRecords(path, all); err != nil {
		t.Fatal(err)
	}
	got, err := ReadRecords(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(all, got); d != "" {
		t.Error(d)
	}
}

// A run that comes out otherwise than recorded fails, whichever way.
func TestRecordIsCompared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "laws.txt")
	laws := Laws()[:3]
	now := func() *keeper {
		k := &keeper{faults: map[Fault]bool{FaultRead: true, FaultCut: false}}
		k.record.Server = "a map"
		for _, l := range laws {
			k.record.Outcomes = append(k.record.Outcomes, Outcome{l.Name, Holds, ""})
		}
		return k
	}
	sound := now()
	sound.record.Faults = []Fault{FaultRead}
	if err := writeRecords(path, []Record{sound.record}); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(*keeper)
		want   string // "" for no failure
	}{
		{"the same", func(*keeper) {}, ""},
		{"only some", func(k *keeper) { k.record.Outcomes = k.record.Outcomes[1:]; k.faults = nil }, ""},
		{"a law failed, which is failure enough", func(k *keeper) { k.failed = true; k.faults = nil }, ""},
		{"waived now", func(k *keeper) { k.record.Outcomes[1] = Outcome{laws[1].Name, Waived, "because"} }, "now " + laws[1].Name + " waived: because"},
		{"beside now, of some", func(k *keeper) { k.record.Outcomes = []Outcome{{laws[1].Name, Beside, "no pages"}} }, "beside: no pages"},
		{"a fault less", func(k *keeper) { k.faults = nil }, "faults []"},
		{"a fault more", func(k *keeper) { k.faults[FaultCut] = true }, "faults [cut read]"},
		{"another server", func(k *keeper) { k.record.Server = "a set" }, `no record of the laws against "a set"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := now()
			tt.change(k)
			r := record(t, func(t testing.TB) { k.settle(t, Harness{Record: path}, laws) })
			said := strings.Join(r.failures, "\n")
			if r.Failed() != (tt.want != "") || !strings.Contains(said, tt.want) {
				t.Errorf("failed %v: %s; want %q", r.Failed(), said, tt.want)
			}
		})
	}
}

// What a law came to is taken down with its reason.
func TestOutcomesAreNoted(t *testing.T) {
	tests := []struct {
		name, waived string
		law          func(*trial)
		want         Outcome
		failed       bool
	}{
		{"holds", "", func(*trial) {}, Outcome{"x/y", Holds, ""}, false},
		{"holds in part", "", func(t *trial) { t.partly("nothing hangs"); t.partly("nor is lost") }, Outcome{"x/y", Holds, "nothing hangs; nor is lost"}, false},
		{"beside", "", func(t *trial) { t.Skipf("there are no\n %d pages", 2) }, Outcome{"x/y", Beside, "there are no 2 pages"}, false},
		{"waived", "it can't", func(t *trial) { t.Skipf("WAIVED") }, Outcome{"x/y", Waived, "it can't"}, false},
		{"failed", "", func(t *trial) { t.Errorf("broken") }, Outcome{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := &keeper{}
			var tr *trial
			r := record(t, func(t testing.TB) { tr = &trial{TB: t}; tt.law(tr) })
			k.note(r, "x/y", tt.waived, tr.why)
			if k.failed != tt.failed {
				t.Errorf("failed is %v", k.failed)
			}
			if !tt.failed && cmp.Diff([]Outcome{tt.want}, k.record.Outcomes) != "" {
				t.Errorf("got %v, want %v", k.record.Outcomes, tt.want)
			}
		})
	}
}
