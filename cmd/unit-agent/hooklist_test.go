package main_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// hookList is what a charm wrote down of one unit's hooks, and the rules for it.
// It knows only what a charm is promised, nothing of how the agent does it.
type hookList struct {
	unit   string
	faults []string

	ran, interrupted int

	// running is the hook that began and has not ended; again is the hook that
	// was cut short and must be the next to begin.
	running, again string
	// last is the hook that ended last: a crash between a hook's end and its
	// commit has it run again, at once.
	last string

	installed, started, stopped, removed bool
	relations                            map[string]*listedRelation
}

// listedRelation is one relation as the charm sees it.
type listedRelation struct {
	created, broken bool
	// due is the unit whose changed must be the relation's next hook.
	due string
	// members maps each unit that joined to what was read of it last.
	members map[string]string
}

func newHookList(unit string) *hookList {
	return &hookList{unit: unit, relations: map[string]*listedRelation{}}
}

func (l *hookList) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Sprintf("hook %d: ", l.ran)+fmt.Sprintf(format, args...))
}

// add takes one line: "begin|end HOOK RELATION REMOTE [VALUE]".
func (l *hookList) add(words []string) {
	if len(words) < 4 {
		l.fault("short line %q", words)
		return
	}
	hook := strings.Join(words[1:4], " ")
	switch words[0] {
	case "begin":
		l.begin(hook, words[1], words[2], words[3])
	case "end":
		if l.running != hook {
			l.fault("%q ends while %q runs", hook, l.running)
		}
		value := ""
		if len(words) > 4 {
			value = words[4]
		}
		l.end(words[1], words[2], words[3], value)
		l.last, l.running = hook, ""
	default:
		l.fault("line %q", words)
	}
}

func (l *hookList) begin(hook, name, relation, remote string) {
	l.ran++
	if l.running != "" {
		l.interrupted++
		l.again = l.running
	}
	l.running = hook
	repeats := hook == l.again || hook == l.last
	if l.again != "" && hook != l.again {
		l.fault("%q was cut short and is followed by %q", l.again, hook)
	}
	l.again = ""
	if repeats {
		return
	}
	l.mayBegin(hook, name, relation, remote)
}

// mayBegin holds a hook that is not a repetition against the guarantees.
func (l *hookList) mayBegin(hook, name, relation, remote string) {
	if !l.installed && name != "install" {
		l.fault("%q before install", hook)
	}
	if l.stopped && name != "remove" {
		l.fault("%q after stop", hook)
	}
	if relation == "-" {
		switch {
		case name == "install" && l.installed, name == "start" && l.started, name == "remove" && !l.stopped:
			l.fault("%q out of order", hook)
		}
		return
	}
	r := l.relation(relation)
	kind := name[strings.LastIndex(name, "-relation-")+len("-relation-"):]
	if r.broken {
		l.fault("%q after the relation broke", hook)
	}
	if kind != "created" && !r.created {
		l.fault("%q before the relation was created", hook)
	}
	if r.due != "" && !(kind == "changed" && remote == r.due) {
		l.fault("%q while changed for %s is due", hook, r.due)
	}
	_, joined := r.members[remote]
	isUnit := strings.Contains(remote, "/")
	switch kind {
	case "created":
		if r.created {
			l.fault("%q twice", hook)
		}
	case "joined":
		if joined {
			l.fault("%q of a member", hook)
		}
		if remote == l.unit {
			l.fault("%q with itself", hook)
		}
	case "changed", "departed":
		if isUnit && !joined {
			l.fault("%q of a unit that has not joined", hook)
		}
	case "broken":
		if len(r.members) > 0 {
			l.fault("%q with members %q", hook, slices.Sorted(maps.Keys(r.members)))
		}
	}
}

// end takes in what a hook did once it ended.
func (l *hookList) end(name, relation, remote, value string) {
	switch name {
	case "install":
		l.installed = true
	case "start":
		l.started = true
	case "stop":
		l.stopped = true
	case "remove":
		l.removed = true
	}
	if relation == "-" {
		return
	}
	r := l.relation(relation)
	switch kind := name[strings.LastIndex(name, "-relation-")+len("-relation-"):]; kind {
	case "created":
		r.created = true
	case "joined":
		r.members[remote], r.due = "", remote
	case "changed":
		if strings.Contains(remote, "/") {
			r.members[remote] = value
		}
		if r.due == remote {
			r.due = ""
		}
	case "departed":
		delete(r.members, remote)
	case "broken":
		r.broken = true
	}
}

func (l *hookList) relation(name string) *listedRelation {
	if l.relations[name] == nil {
		l.relations[name] = &listedRelation{members: map[string]string{}}
	}
	return l.relations[name]
}

// finish holds the end of the list against what there is: the units that are
// there, with what each publishes.
func (l *hookList) finish(present map[string]string) {
	if l.running != "" {
		l.fault("%q never ended", l.running)
	}
	if _, stays := present[l.unit]; !stays {
		if l.installed && !l.removed {
			l.fault("the unit is gone without its remove hook")
		}
		return
	}
	if !l.started {
		l.fault("the unit never started")
	}
	own, _, _ := strings.Cut(l.unit, "/")
	for name, r := range l.relations {
		for unit, value := range present {
			app, _, _ := strings.Cut(unit, "/")
			isPeer := strings.HasPrefix(name, "ring:")
			if unit == l.unit || isPeer != (app == own) {
				continue
			}
			seen, joined := r.members[unit]
			if !joined {
				l.fault("%s never joined in %s", unit, name)
			} else if seen != value {
				l.fault("saw %q of %s in %s, and it publishes %q", seen, unit, name, value)
			}
		}
		for unit := range r.members {
			if _, there := present[unit]; !there {
				l.fault("%s is gone and never departed from %s", unit, name)
			}
		}
	}
}

// TestHookListFindsFaults shows that the rules can fail: each list breaks one.
func TestHookListFindsFaults(t *testing.T) {
	good := []string{
		"install - -", "ring-relation-created ring:0 -", "source-relation-created source:1 -", "config-changed - -", "start - -",
		"source-relation-joined source:1 beta/0", "source-relation-changed source:1 beta/0 7",
	}
	present := map[string]string{"alpha/0": "3", "beta/0": "7"}
	check := func(lines []string, present map[string]string) []string {
		l := newHookList("alpha/0")
		for _, line := range lines {
			words := strings.Fields(line)
			l.add(append([]string{"begin"}, words[:3]...))
			l.add(append([]string{"end"}, words...))
		}
		l.finish(present)
		return l.faults
	}
	if faults := check(good, present); len(faults) > 0 {
		t.Fatalf("faults in a good list: %q", faults)
	}
	repeated := slices.Insert(slices.Clone(good), 5, good[5])
	if faults := check(repeated, present); len(faults) > 0 {
		t.Errorf("faults in a list with a repeated hook: %q", faults)
	}
	for name, lines := range map[string][]string{
		"no install":            good[1:],
		"no created":            slices.Delete(slices.Clone(good), 2, 3),
		"changed before joined": slices.Delete(slices.Clone(good), 5, 6),
		"not changed at once":   slices.Insert(slices.Clone(good), 6, "source-relation-joined source:1 beta/1"),
		"joined twice":          append(slices.Clone(good), good[5]),
		"departed unseen":       append(slices.Clone(good), "source-relation-departed source:1 beta/1"),
		"broken with members":   append(slices.Clone(good), "source-relation-broken source:1 -"),
		"stale value":           append(slices.Clone(good[:6]), "source-relation-changed source:1 beta/0 6"),
		"departed and present":  append(slices.Clone(good), "source-relation-departed source:1 beta/0"),
		"hook after stop":       append(slices.Clone(good), "stop - -", "update-status - -"),
		"never started":         slices.Delete(slices.Clone(good), 4, 5),
	} {
		if faults := check(lines, present); len(faults) == 0 {
			t.Errorf("%s: no fault found", name)
		}
	}
	if faults := check(good, map[string]string{"alpha/0": "3"}); len(faults) == 0 {
		t.Error("a member that is gone: no fault found")
	}
	if faults := check(good, map[string]string{"beta/0": "7"}); len(faults) == 0 {
		t.Error("a unit that is gone without remove: no fault found")
	}
}
