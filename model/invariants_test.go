package model

import (
	"encoding/json"
	"fmt"
	"strings"
)

// world is the whole model as its keys say, for holding it against what must always be true.
type world struct {
	sequences    map[string]int
	applications map[string]applicationRecord
	index        map[string]map[int]string // by application and relation
	units        map[string]unitRecord
	relations    map[int]relationRecord
	raw          map[int]string
	members      map[int][]string
	machines     map[string]bool
	placed       map[string]string // unit to machine
}

// look reads the world at one revision.
func (r *rig) look() *world {
	r.t.Helper()
	w := &world{
		sequences: map[string]int{}, applications: map[string]applicationRecord{}, index: map[string]map[int]string{},
		units: map[string]unitRecord{}, relations: map[int]relationRecord{}, raw: map[int]string{}, members: map[int][]string{},
		machines: map[string]bool{}, placed: map[string]string{},
	}
	found, _, err := r.list(r.ctx, string(r.keys), 0)
	r.check(err)
	for _, kv := range found {
		r.check(w.add(strings.Split(strings.TrimPrefix(string(kv.Key), string(r.keys)), "/"), kv.Value))
	}
	return w
}

func (w *world) add(path []string, value []byte) (err error) {
	id := 0
	switch kind := path[0]; {
	case kind == "sequences":
		var sequence sequenceRecord
		err = json.Unmarshal(value, &sequence)
		w.sequences[strings.Join(path[1:], "/")] = sequence.Next
	case kind == "apps" && path[2] == "meta":
		var record applicationRecord
		err = json.Unmarshal(value, &record)
		w.applications[path[1]] = record
	case kind == "apps" && path[2] == "relations":
		if w.index[path[1]] == nil {
			w.index[path[1]] = map[int]string{}
		}
		id, err = relationId(path[3])
		w.index[path[1]][id] = string(value)
	case kind == "units" && path[3] == "meta":
		var record unitRecord
		err = json.Unmarshal(value, &record)
		w.units[path[1]+"/"+path[2]] = record
	case kind == "relations" && path[2] == "meta":
		var record relationRecord
		err = json.Unmarshal(value, &record)
		if err == nil {
			id, err = relationId(path[1])
		}
		w.relations[id], w.raw[id] = record, string(value)
	case kind == "relations" && path[2] == "units":
		id, err = relationId(path[1])
		w.members[id] = append(w.members[id], path[3]+"/"+path[4])
	case kind == "machines" && path[2] == "meta":
		w.machines[path[1]] = true
	case kind == "machines" && path[2] == "units":
		w.placed[path[3]+"/"+path[4]] = path[1]
	}
	return err
}

// faults says what is wrong with the world.
func (w *world) faults() (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	unitsOf, keysOf := map[string]int{}, map[string]int{}
	for name, unit := range w.units {
		application, number, _ := splitUnit(name)
		unitsOf[application]++
		owner, ok := w.applications[application]
		switch {
		case !ok:
			fault("unit %s has no application", name)
		case owner.Life != Alive && unit.Life == Alive:
			fault("unit %s is alive, its application is %s", name, owner.Life)
		case owner.Life != Alive && !unit.Taken:
			fault("unit %s of a dying application waits for nobody", name)
		}
		if number >= w.sequences["units/"+application] {
			fault("unit %s has a number that will be given again", name)
		}
		if w.placed[name] != unit.Machine {
			fault("unit %s is on machine %q, the machines say %q", name, unit.Machine, w.placed[name])
		}
	}
	for name := range w.placed {
		if _, ok := w.units[name]; !ok {
			fault("unit %s is placed and is not there", name)
		}
	}
	for id, relation := range w.relations {
		if id >= w.sequences["relation"] {
			fault("relation %d has an id that will be given again", id)
		}
		key := relationFrom(id, relation).Key()
		keysOf[key]++
		for _, endpoint := range relation.Endpoints {
			if w.index[endpoint.Application][id] != w.raw[id] {
				fault("relation %d is %s, the index of %s says %q", id, w.raw[id], endpoint.Application, w.index[endpoint.Application][id])
			}
			if owner, ok := w.applications[endpoint.Application]; !ok || owner.Life != Alive && relation.Life == Alive {
				fault("relation %d %s is %s, application %s is %q", id, key, relation.Life, endpoint.Application, owner.Life)
			}
		}
		if relation.Life != Alive && len(w.members[id]) == 0 {
			fault("relation %d %s is dying with nobody in it", id, key)
		}
	}
	for key, n := range keysOf {
		if n > 1 {
			fault("there are %d relations %s", n, key)
		}
	}
	for id, members := range w.members {
		relation, ok := w.relations[id]
		for _, unit := range members {
			application, _, _ := splitUnit(unit)
			if _, in := relationFrom(id, relation).Endpoint(application); !ok || !in {
				fault("unit %s is in relation %d, which is not there or not its own", unit, id)
			}
			if _, ok := w.units[unit]; !ok {
				fault("unit %s is in relation %d and is not there", unit, id)
			}
		}
	}
	for application, index := range w.index {
		for id := range index {
			if _, ok := w.relations[id]; !ok {
				fault("the index of %s has relation %d, which is not there", application, id)
			}
		}
	}
	for name, application := range w.applications {
		if application.Life != Alive && unitsOf[name] == 0 && len(w.index[name]) == 0 {
			fault("application %s is dying with nothing left", name)
		}
	}
	return faults
}
