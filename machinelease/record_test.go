package machinelease

import (
	"testing"

	"go.etcd.io/etcd/api/v3/mvccpb"
)

// Whatever stands in the store is read as a holder, and what we write is read back.
func FuzzRecord(f *testing.F) {
	f.Add("m1", 3)
	f.Add(`{"machine-id":"m1","version":3,"term":"1f"}`, 0)
	f.Add(`{"machine-id":"m1","version":3,"term":"1f","more":[]}`, 0)
	f.Add("\xff\"", -1)
	f.Add("", 0)
	f.Fuzz(func(t *testing.T, value string, version int) {
		m := &manager{}
		if l := m.holding("a", &mvccpb.KeyValue{Value: []byte(value), ModRevision: 5, Lease: 9}); l.counter == 0 {
			if l.MachineID() != value || l.Version() != 0 || l.Index() != 5 {
				t.Errorf("%q is read as machine %q, version %d", value, l.MachineID(), l.Version())
			}
		}
		if check("a", value, 1) != nil {
			return
		}
		want := record{MachineID: value, Version: version, Term: "1f"}
		if got, ours := decode([]byte(want.encode())); got != want || !ours {
			t.Errorf("%+v is read back as %+v", want, got)
		}
	})
}
