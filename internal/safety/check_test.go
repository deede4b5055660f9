package safety

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// verdict collects what is wrong. It keeps few: one violation mostly brings others.
type verdict struct {
	wrong []string
	count int
}

func (v *verdict) add(format string, args ...any) {
	v.count++
	if len(v.wrong) < 20 {
		v.wrong = append(v.wrong, fmt.Sprintf(format, args...))
	}
}

// check tells what is wrong with what the agents and the witness wrote down, and with what the cluster says happened.
func check(entries []entry, h *history) *verdict {
	v := &verdict{}
	guarantees := guaranteesOf(entries)
	checkOverlaps(v, guarantees)
	checkOldTickets(v, entries, guarantees)
	checkGuaranteesWereGood(v, entries)
	checkHistory(v, h)
	checkWrites(v, entries, h)
	checkTokens(v, entries, h)
	checkLinear(v, entries, h)
	return v
}

// guarantee is a time in which a unit could rely on its leadership: from the answer of a ticket to the end of the duration since it was asked for,
// or until the unit gave its leadership up.
type guarantee struct {
	unit     string
	from, to int64
	token    int64 // of the term, if it was found
}

func (g guarantee) String() string {
	return fmt.Sprintf("%s from %.3f to %.3f in term %d", g.unit, float64(g.from)/1e9, float64(g.to)/1e9, g.token)
}

// guaranteesOf returns the guarantees in the order of their beginnings.
func guaranteesOf(entries []entry) []guarantee {
	given := make(map[string][]int64)
	for _, e := range entries {
		if e.Kind == gaveUp {
			given[e.Unit] = append(given[e.Unit], e.Call)
		}
	}
	var all []guarantee
	for _, e := range entries {
		if e.Kind != led && e.Kind != notHeld {
			continue
		}
		g := guarantee{unit: e.Unit, from: e.Answered, to: e.Until, token: e.Token}
		for _, up := range given[e.Unit] {
			if up > g.from {
				g.to = min(g.to, up)
			}
		}
		if g.from < g.to {
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(a, b guarantee) int { return cmp.Compare(a.from, b.from) })
	return all
}

// checkOverlaps: no two units have overlapping guarantees.
func checkOverlaps(v *verdict, sorted []guarantee) {
	latest := make(map[string]guarantee) // the one that goes on for longest, of each unit
	for _, g := range sorted {
		for unit, other := range latest {
			if unit != g.unit && other.to > g.from {
				v.add("guarantees of %s and %s overlap by %s: %s; %s", unit, g.unit, time.Duration(min(other.to, g.to)-g.from), other, g)
			}
		}
		if g.to > latest[g.unit].to {
			latest[g.unit] = g
		}
	}
}

// checkOldTickets: a ticket that was answered with true long ago does not go on to say so when another unit leads.
func checkOldTickets(v *verdict, entries []entry, sorted []guarantee) {
	for _, e := range entries {
		if e.Kind != stillLed {
			continue
		}
		// Guarantees begin in order and none is longer than the duration.
		first, _ := slices.BinarySearchFunc(sorted, e.Return-int64(duration), func(g guarantee, at int64) int { return cmp.Compare(g.from, at) })
		for _, g := range sorted[first:] {
			if g.from > e.Call {
				break
			}
			if g.unit != e.Unit && e.Return < g.to {
				v.add("an old ticket of %s said true while %s had a guarantee for %s more", e.Unit, g.unit, time.Duration(g.to-e.Return))
			}
		}
	}
}

// checkGuaranteesWereGood: as long as a unit's leadership is guaranteed it holds the lease.
func checkGuaranteesWereGood(v *verdict, entries []entry) {
	for _, e := range entries {
		if left := time.Duration(e.Until - e.Return); left > 0 && (e.Kind == notHeld || e.Kind == fenced) {
			v.add("%s: %s though its leadership was guaranteed for %s more: %+v", e.Unit, e.Kind, left, e)
		}
	}
}

// checkHistory: each write that landed came from the unit that held the lease then, in the term that its fence names. Terms do not overlap.
func checkHistory(v *verdict, h *history) {
	var last int64
	terms := make(map[int64]term)
	for i, t := range h.terms {
		if i > 0 && (h.terms[i-1].end == 0 || t.token <= h.terms[i-1].end) {
			v.add("the term %+v began before %+v ended", t, h.terms[i-1])
		}
		terms[t.token] = t
	}
	for _, w := range h.writes {
		switch t, ok := terms[w.Token]; {
		case !ok:
			v.add("a write landed whose fence names no term: %+v", w)
		case t.holder != w.Unit:
			v.add("a write landed of %s, but %s held the lease: %+v", w.Unit, t.holder, w)
		case w.revision <= t.token || t.end != 0 && w.revision >= t.end:
			v.add("a write of an ex-leader landed: %+v, but its term was %+v", w, t)
		case w.Token < last:
			v.add("a write landed after one of a later term: %+v", w)
		}
		last = max(last, w.Token)
	}
}

// checkWrites: what the agents were told of their writes is so.
func checkWrites(v *verdict, entries []entry, h *history) {
	when := make(map[string]int64)
	for _, w := range h.writes {
		if when[w.Value] != 0 {
			v.add("a write landed twice: %+v", w)
		}
		when[w.Value] = w.revision
	}
	known := make(map[string]bool)
	for _, e := range entries {
		switch e.Kind {
		case tried:
			known[e.Value] = true
		case landed:
			if when[e.Value] != e.Revision {
				v.add("a write that landed is not there: %+v", e)
			}
		case fenced:
			if when[e.Value] != 0 {
				v.add("a write that was refused is there: %+v", e)
			}
		}
	}
	for _, w := range h.writes {
		if !known[w.Value] {
			v.add("nobody tried what landed: %+v", w)
		}
	}
}

// checkTokens: a unit that found that it leads was given a term of its own.
func checkTokens(v *verdict, entries []entry, h *history) {
	holders := make(map[int64]string)
	for _, t := range h.terms {
		holders[t.token] = t.holder
	}
	for _, e := range entries {
		if e.Kind == led && holders[e.Token] != e.Unit {
			v.add("%s was given the term of %q: %+v", e.Unit, holders[e.Token], e)
		}
	}
}
