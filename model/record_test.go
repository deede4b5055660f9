package model

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestRewrite(t *testing.T) {
	type record = unitRecord
	zero := time.Time{}
	for _, test := range []struct {
		about, old, want string
		record           record
	}{
		{
			about:  "nothing was there",
			record: record{Life: Alive}, want: `{"life":"alive","created":"0001-01-01T00:00:00Z"}`,
		}, {
			about: "nothing is different",
			old:   `{ "life":"alive", "new":1,"created":"0001-01-01T00:00:00Z"}`, record: record{Life: Alive},
			want: `{ "life":"alive", "new":1,"created":"0001-01-01T00:00:00Z"}`,
		}, {
			about: "a member changes, an unknown one stays",
			old:   `{"life":"alive","new":{"a":[1,2]},"created":"0001-01-01T00:00:00Z"}`, record: record{Life: Dying},
			want: `{"created":"0001-01-01T00:00:00Z","life":"dying","new":{"a":[1,2]}}`,
		}, {
			about: "a member becomes empty",
			old:   `{"life":"alive","machine":"3","new":1,"created":"0001-01-01T00:00:00Z"}`, record: record{Life: Alive},
			want: `{"created":"0001-01-01T00:00:00Z","life":"alive","new":1}`,
		}, {
			about: "a member is new",
			old:   `{"life":"alive","new":1,"created":"0001-01-01T00:00:00Z"}`, record: record{Life: Alive, Taken: true},
			want: `{"created":"0001-01-01T00:00:00Z","life":"alive","new":1,"taken":true}`,
		}, {
			about: "null was there", old: `null`, record: record{Life: Dying, Created: zero},
			want: `{"life":"dying","created":"0001-01-01T00:00:00Z"}`,
		},
	} {
		t.Run(test.about, func(t *testing.T) {
			got, err := rewrite("k", []byte(test.old), test.record)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestRewriteKeepsInsideOfWhatStays(t *testing.T) {
	old := `{"life":"alive","endpoints":[{"application":"a","name":"n","interface":"i","role":"peer","scope":"global","since":7}]}`
	record, err := decode[relationRecord]("k", []byte(old))
	if err != nil {
		t.Fatal(err)
	}
	record.Life = Dying
	got, err := rewrite("k", []byte(old), record)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"endpoints":[{"application":"a","name":"n","interface":"i","role":"peer","scope":"global","since":7}],"life":"dying"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRewriteRefusesWhatItCannotRead(t *testing.T) {
	for _, old := range []string{"{", "[]", `"x"`, `{"life":7}`} {
		if got, err := rewrite("some/key", []byte(old), unitRecord{}); err == nil {
			t.Errorf("%s was replaced with %s", old, got)
		}
	}
}

// TestUnknownMembersSurvive rewrites every kind of value through the calls that people and agents make.
func TestUnknownMembersSurvive(t *testing.T) {
	r := newRig(t)
	id, err := r.AddMachine(r.ctx, Machine{Hostname: "h"})
	r.check(err)
	r.deploy(wordpress, 1)
	r.deploy(mysql, 1)
	relation := r.relate("wordpress", "mysql")
	r.enter(relation.Id, "wordpress/0", "mysql/0")
	unit := "mysql/0"
	status := StatusInfo{Status: StatusError}
	r.check(r.SetAgentStatus(r.ctx, unit, status))
	r.check(r.SetWorkloadStatus(r.ctx, unit, status))
	r.check(r.SetApplicationStatus(r.ctx, "mysql", status))
	r.check(r.SetWorkloadVersion(r.ctx, unit, "1"))
	r.check(r.SetUnitAddresses(r.ctx, unit, "1.1.1.1", ""))
	r.check(r.Resolve(r.ctx, unit, ResolvedRetry))
	flush := Flush{
		Unit: unit, RelationUnit: map[int]map[string]string{relation.Id: {"a": "1"}},
		RelationApp: map[int]map[string]string{relation.Id: {"a": "1"}}, OpenPorts: []PortRange{{Protocol: "tcp", From: 1, To: 1}},
	}
	r.check(r.Commit(r.ctx, flush))

	var grown []string
	for key := range r.dump() {
		var members map[string]any
		if err := json.Unmarshal([]byte(r.value(key)), &members); err != nil {
			t.Fatalf("%s is not a JSON object: %v", key, err)
		}
		members["from-the-future"] = map[string]any{"n": 1.0}
		value, err := json.Marshal(members)
		r.check(err)
		r.put(key, string(value))
		grown = append(grown, key)
	}
	before := r.dump()

	status.Status = StatusBlocked
	r.check(r.UpdateMachine(r.ctx, Machine{Id: id, Hostname: "other"}))
	_, err = r.AddMachine(r.ctx, Machine{})
	r.check(err)
	r.check(r.SetWorkloadStatus(r.ctx, unit, status))
	r.check(r.SetApplicationStatus(r.ctx, "mysql", status))
	r.check(r.SetWorkloadVersion(r.ctx, unit, "2"))
	r.check(r.SetUnitAddresses(r.ctx, unit, "1.1.1.1", "2.2.2.2"))
	r.check(r.Resolve(r.ctx, unit, ResolvedSkip))
	flush.RelationUnit[relation.Id]["a"], flush.RelationApp[relation.Id]["a"] = "2", "2"
	flush.OpenPorts[0].To = 2
	r.check(r.Commit(r.ctx, flush))
	r.check(r.SetConfig(r.ctx, "wordpress", map[string]string{"title": "x", "trust": "true"}, nil))
	_, err = r.AddUnits(r.ctx, "mysql", 1, "")
	r.check(err)
	r.take("wordpress/0", unit)
	r.check(r.SetAgentStatus(r.ctx, unit, status))
	r.relate("wordpress:website", "haproxy:"+r.deployHaproxy())
	r.check(r.RemoveUnit(r.ctx, unit))
	r.check(r.RemoveApplication(r.ctx, "wordpress"))

	after := r.dump()
	written := 0
	for _, key := range grown {
		if _, left := after[key]; !left || after[key] == before[key] {
			continue
		}
		written++
		var members map[string]any
		r.check(json.Unmarshal([]byte(r.value(key)), &members))
		if !reflect.DeepEqual(members["from-the-future"], map[string]any{"n": 1.0}) {
			t.Errorf("%s lost what this program does not know: %s", key, r.value(key))
		}
	}
	// Without this the test would pass if nothing were rewritten.
	if written < 18 {
		t.Errorf("only %d keys were rewritten", written)
	}
}

// deployHaproxy deploys haproxy and returns the name of an endpoint of it.
func (r *rig) deployHaproxy() string {
	r.t.Helper()
	r.deploy(haproxy, 0)
	return "front"
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"life":"alive"}`, `{"settings":{"a":"b"}}`, `{"settings":{"a":1}}`, `{"ranges":[{"protocol":"tcp"}]}`,
		`{"life":"dying","endpoints":[{"application":"a","role":"peer"}]}`, `{"current":"active","since":"x"}`, `mysql/0`, `{"holder":"mysql/0"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzRecord(t, data, unitRecord{Life: Dying})
		fuzzRecord(t, data, applicationRecord{Trust: true})
		fuzzRecord(t, data, relationRecord{Life: Dead})
		fuzzRecord(t, data, bagRecord{Settings: map[string]string{"a": "b"}})
		fuzzRecord(t, data, configRecord{})
		fuzzRecord(t, data, portsRecord{})
		fuzzRecord(t, data, StatusInfo{Status: "x"})
		fuzzRecord(t, data, sequenceRecord{Next: 3})
		leaderHolder(data)
		for _, suffix := range unitSuffixes {
			var unit Unit
			_ = unit.set("k", suffix, data)
			unit.withDefaults().Shown()
		}
		facts := newApplicationFacts(&Model{}, "a")
		_ = facts.apply([]change{{"relations/1", 1, data}, {metaSuffix, 2, data}, {charmSuffix, 3, data}, {configSuffix, 4, data}})
	})
}

// fuzzRecord holds rewriting against its promises, whatever was there.
func fuzzRecord[T any](t *testing.T, old []byte, record T) {
	value, err := rewrite("k", old, record)
	if err != nil {
		return
	}
	got, err := decode[T]("k", value)
	if err != nil {
		t.Fatalf("%q was rewritten as %q, which cannot be read: %v", old, value, err)
	}
	gotJSON, _ := json.Marshal(got)
	wantJSON, _ := json.Marshal(record)
	if string(gotJSON) != string(wantJSON) {
		t.Fatalf("%q was rewritten as %q, which reads as %s, want %s", old, value, gotJSON, wantJSON)
	}
	var before, after map[string]json.RawMessage
	if json.Unmarshal(old, &before) != nil || json.Unmarshal(value, &after) != nil {
		return
	}
	known := members(reflect.TypeFor[T]())
	for name := range before {
		if _, kept := after[name]; !kept && !known[name] {
			t.Fatalf("%q was rewritten as %q, which lost %q", old, value, name)
		}
	}
}
