package uniter_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter"
	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/operation"
)

var rewrite = flag.Bool("rewrite", false, "write what the scenarios gave into their files")

// TestNextScenarios replays testdata/next: in each file, lines change what the
// unit is asked for, "go" lets it decide until it waits, and the lines behind
// ">" are what it decided.
func TestNextScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/next/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := newScenario(t).replay(string(want))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// scenario is a unit whose hooks take no time.
type scenario struct {
	t      *testing.T
	local  uniter.Local
	remote uniter.Remote
	fail   map[string]bool
	turn   uint64
}

func newScenario(t *testing.T) *scenario {
	return &scenario{
		t:     t,
		local: uniter.Local{Relations: map[int]uniter.LocalRelation{}},
		remote: uniter.Remote{
			Unit:       "wordpress/0",
			Life:       model.Alive,
			ConfigHash: "config-1",
			Relations:  map[int]model.UnitRelation{},
		},
		fail: map[string]bool{},
	}
}

func (s *scenario) replay(script string) string {
	var out strings.Builder
	lines := bufio.NewScanner(strings.NewReader(script))
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, ">") {
			continue
		}
		fmt.Fprintln(&out, line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if line == "go" {
			s.settle(&out)
			continue
		}
		s.event(strings.Fields(line))
	}
	return out.String()
}

// event changes what the unit is asked for.
func (s *scenario) event(words []string) {
	switch words[0] {
	case "life":
		s.remote.Life = model.Life(words[1])
	case "leaving":
		s.remote.Leaving = true
	case "restart":
		// What the agent does not keep on disk.
		for id, relation := range s.local.Relations {
			if !relation.Created {
				delete(s.local.Relations, id)
				continue
			}
			s.local.Relations[id] = uniter.LocalRelation{Created: true}
		}
	case "config":
		s.remote.ConfigHash = words[1]
	case "leader-settings":
		s.remote.LeaderSettings = int64(s.number(words[1]))
	case "leader":
		s.remote.Leader = words[1] == "yes"
	case "update-status":
		s.remote.UpdateStatusDue = true
	case "retry":
		s.remote.RetryDue = true
	case "resolved":
		s.remote.Resolved = model.Resolved(words[1])
	case "fail":
		s.fail[words[1]] = true
	case "mend":
		delete(s.fail, words[1])
	case "interrupted":
		pending := operation.Pending{Hook: s.hook(words[1:])}
		s.local.State = s.local.Begin(pending)
	case "relation":
		id := s.number(words[1])
		if words[2] == "gone" {
			delete(s.remote.Relations, id)
			return
		}
		s.remote.Relations[id] = model.UnitRelation{Id: id, Life: model.Life(words[2])}
	case "offer":
		info := s.hook(words[1:])
		relation := s.local.Relations[info.RelationId]
		s.turn++
		relation.Offer, relation.Turn = &info, s.turn
		s.local.Relations[info.RelationId] = relation
	default:
		s.t.Fatalf("unknown event %q", words)
	}
}

// hook reads "KIND [RELATION [UNIT]]".
func (s *scenario) hook(words []string) hook.Info {
	info := hook.Info{Kind: hooks.Kind(words[0])}
	if len(words) > 1 {
		info.RelationId = s.number(words[1])
	}
	if len(words) > 2 {
		info.RemoteUnit = words[2]
	}
	return info
}

func (s *scenario) number(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// settle carries out decisions until the unit waits or is finished.
func (s *scenario) settle(out *strings.Builder) {
	for range 100 {
		decision := uniter.Next(s.local, s.remote)
		if decision.Step == uniter.Wait {
			if pending := s.local.Pending; pending != nil {
				fmt.Fprintf(out, "> in error: %s\n", pending.Hook.Kind)
			}
			return
		}
		fmt.Fprintln(out, ">", describe(decision))
		if decision.Step == uniter.Finish {
			return
		}
		s.apply(decision)
	}
	s.t.Fatalf("no end of decisions:\n%s", out)
}

func (s *scenario) apply(decision uniter.Decision) {
	id := decision.RelationId
	relation := s.local.Relations[id]
	switch decision.Step {
	case uniter.Run:
		s.run(decision.Hook)
		return
	case uniter.Skip:
		s.remote.Resolved = ""
		s.done(s.local.Pending.Hook)
		return
	case uniter.Drop:
		s.local.Pending = nil
		return
	case uniter.Resign:
		s.local.State = s.local.State.Resign()
		return
	case uniter.Forget:
		delete(s.local.Relations, id)
		return
	case uniter.Enter:
		relation.Entered = true
	case uniter.Leave:
		relation.Left = true
	}
	s.local.Relations[id] = relation
}

func (s *scenario) run(info hook.Info) {
	s.remote.Resolved, s.remote.RetryDue = "", false
	s.local.State = s.local.Begin(operation.Pending{Hook: info, ConfigHash: s.remote.ConfigHash, LeaderSettings: s.remote.LeaderSettings})
	if s.fail[string(info.Kind)] {
		s.local.State = s.local.Fail("exit status 1")
		return
	}
	s.done(info)
}

func (s *scenario) done(info hook.Info) {
	s.local.State = s.local.Commit()
	switch info.Kind {
	case hooks.UpdateStatus:
		s.remote.UpdateStatusDue = false
	case hooks.RelationCreated:
		relation := s.local.Relations[info.RelationId]
		relation.Created = true
		s.local.Relations[info.RelationId] = relation
	case hooks.RelationBroken:
		s.local.Relations[info.RelationId] = uniter.LocalRelation{}
	case hooks.RelationJoined, hooks.RelationChanged, hooks.RelationDeparted:
		relation := s.local.Relations[info.RelationId]
		relation.Offer, relation.Turn = nil, 0
		s.local.Relations[info.RelationId] = relation
	}
}

func describe(decision uniter.Decision) string {
	info := decision.Hook
	switch decision.Step {
	case uniter.Run:
		text := string(info.Kind)
		if strings.HasPrefix(text, "relation-") {
			text += fmt.Sprintf(" %d", info.RelationId)
		}
		if info.RemoteUnit != "" {
			text += " " + info.RemoteUnit
		}
		if info.DepartingUnit != "" {
			text += " departing " + info.DepartingUnit
		}
		return text
	case uniter.Forget, uniter.Enter, uniter.Leave:
		return fmt.Sprintf("(%s %d)", decision.Step, decision.RelationId)
	}
	return fmt.Sprintf("(%s)", decision.Step)
}
