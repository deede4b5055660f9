package safety

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// lockRegister is one register that the terms of one lock take turns to write.
type lockRegister struct {
	token int64  // the latest term that anybody heard of
	unit  string // whose term it is
	ended bool   // a write was refused for it
	value string // the last that was written
}

// lockModel takes entries of the kinds led, landed, fenced and read as operations.
var lockModel = porcupine.Model{
	Init: func() any { return lockRegister{} },
	Step: func(state, input, _ any) (bool, any) { return state.(lockRegister).step(input.(entry)) },
}

func (r lockRegister) step(e entry) (legal bool, next lockRegister) {
	if e.Kind == read {
		return e.Value == r.value, r
	}
	if e.Token > r.token { // a term begins
		r.token, r.unit, r.ended = e.Token, e.Unit, false
	}
	current := e.Token == r.token && e.Unit == r.unit
	switch {
	case e.Kind == fenced:
		r.ended = r.ended || current
		return true, r
	case !current || r.ended:
		return false, r
	case e.Kind == landed:
		r.value = e.Value
	}
	return true, r
}

// checkLinear: what was found, written and read can have happened in one order, each at some time between its beginning and its end.
func checkLinear(v *verdict, entries []entry, h *history) {
	switch result := porcupine.CheckOperationsTimeout(lockModel, operations(entries, h), 5*time.Minute); result {
	case porcupine.Ok:
	default:
		v.add("the history is not linear: %s", result)
	}
}

// operations makes a history for porcupine. Of a write without an answer the cluster's history says whether it landed; it had if somebody's answer is of
// a later revision. If it did not land, it is as if nobody had tried.
func operations(entries []entry, h *history) []porcupine.Operation {
	answered := make(map[string]entry)
	for _, e := range entries {
		if e.Kind == landed || e.Kind == fenced {
			answered[e.Value] = e
		}
	}
	revisions := make(map[string]int64)
	for _, w := range h.writes {
		revisions[w.Value] = w.revision
	}
	seen := firstSeen(entries)
	clients := make(map[string]int)
	var all []porcupine.Operation
	for _, e := range entries {
		switch e.Kind {
		case led, read:
		case tried:
			if a, ok := answered[e.Value]; ok {
				e = a
			} else if revision, ok := revisions[e.Value]; ok {
				e.Kind, e.Return = landed, seen(revision)
			} else {
				continue
			}
		default:
			continue
		}
		if _, ok := clients[e.Unit]; !ok {
			clients[e.Unit] = len(clients)
		}
		all = append(all, porcupine.Operation{ClientId: clients[e.Unit], Input: e, Call: e.Call, Return: e.Return})
	}
	return all
}

// firstSeen returns a function that tells when an answer of a revision, or of a later one, was there first.
func firstSeen(entries []entry) func(revision int64) int64 {
	var answers []entry
	for _, e := range entries {
		if e.Revision != 0 {
			answers = append(answers, e)
		}
	}
	slices.SortFunc(answers, func(a, b entry) int { return cmp.Compare(a.Revision, b.Revision) })
	earliest := int64(math.MaxInt64)
	for i := len(answers) - 1; i >= 0; i-- {
		earliest = min(earliest, answers[i].Return)
		answers[i].Return = earliest
	}
	return func(revision int64) int64 {
		i, _ := slices.BinarySearchFunc(answers, revision, func(e entry, revision int64) int { return cmp.Compare(e.Revision, revision) })
		if i == len(answers) {
			return math.MaxInt64
		}
		return answers[i].Return
	}
}
