package relation_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/relation"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the expectations in testdata with what comes out")

// TestScenarios replays the files in testdata. Each is one situation, and its
// first line says what it is for. The other lines are commands:
//
//	live                  begin, or begin again after a restart, with a live source on
//	                      the state that is on disk
//	dying                 the same with a dying source
//	update CHANGE...      give the source an event: u/0=3 for a unit, app=3 for an
//	                      application's settings, -u/0 for a unit that departed
//	look                  show the next hook
//	run [N]               run N hooks (1), as the agent does: validate, write, pop
//	drain                 run hooks until there are none
//	crash                 run a hook and die before it is written
//	crash after write     run a hook and die before it is popped
//	state                 show the state that is on disk
//
// and lines that begin with "=>", the output of the command before them. Run the
// test with -rewrite to have them written, and look at each that differs.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := string(text)
			if !strings.HasPrefix(want, "# ") {
				t.Error("the first line does not say what the scenario is for")
			}
			s := scenario{t: t, dir: stateDirPath(t)}
			got := s.replay(want)
			if got == want {
				return
			}
			if !*rewrite {
				t.Fatalf("got:\n%s\nwant:\n%s", got, want)
			}
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// scenario is a unit's agent as far as one relation goes.
type scenario struct {
	t      *testing.T
	dir    string
	state  *relation.StateDir
	source relation.HookSource
	out    strings.Builder
}

// replay returns the text with the output that the commands have.
func (s *scenario) replay(text string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "=>") {
			continue
		}
		s.out.WriteString(line)
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] != "#" {
			s.command(fields[0], fields[1:])
		}
	}
	return s.out.String()
}

func (s *scenario) command(name string, args []string) {
	switch name {
	case "live":
		s.read()
		s.source = relation.NewLiveHookSource(s.state.State(), newWatcher())
	case "dying":
		s.read()
		s.source = relation.NewDyingHookSource(s.state.State())
	case "update":
		if err := s.source.Update(s.event(args)); err != nil {
			s.say("error: %v", err)
		}
	case "look":
		if s.checkAny() {
			s.say("%s", describe(s.source.Next()))
		}
	case "run":
		n := 1
		if len(args) > 0 {
			n = s.number(args[0])
		}
		for range n {
			if !s.checkAny() || !s.run() {
				return
			}
		}
	case "drain":
		for s.checkAny() && s.run() {
		}
	case "crash":
		hi := s.source.Next()
		s.say("%s", describe(hi))
		if len(args) > 0 {
			s.write(hi)
		}
		s.source = nil
	case "state":
		s.read()
		state := s.state.State()
		s.say("members %v applications %v pending %q",
			state.Members, state.ApplicationMembers, state.ChangedPending)
	default:
		s.t.Fatalf("unknown command %q", name)
	}
}

// read loads the state as an agent that starts does.
func (s *scenario) read() {
	state, err := relation.ReadStateDir(s.dir, relationId)
	if err != nil {
		s.t.Fatal(err)
	}
	s.state = state
}

// run runs the next hook, and returns false if it may not run.
func (s *scenario) run() bool {
	hi := s.source.Next()
	s.say("%s", describe(hi))
	if err := s.state.State().Validate(hi); err != nil {
		s.say("error: %v", err)
		return false
	}
	s.write(hi)
	s.source.Pop()
	return true
}

func (s *scenario) write(hi hook.Info) {
	if err := s.state.Write(hi); err != nil {
		s.t.Fatal(err)
	}
}

// checkAny says so if there is no hook.
func (s *scenario) checkAny() bool {
	if s.source.Empty() {
		s.say("nothing")
		return false
	}
	return true
}

func (s *scenario) event(args []string) relation.RelationUnitsChange {
	changes := make(versions)
	var gone []string
	for _, arg := range args {
		if unit, ok := strings.CutPrefix(arg, "-"); ok {
			gone = append(gone, unit)
			continue
		}
		name, version, ok := strings.Cut(arg, "=")
		if !ok {
			s.t.Fatalf("not a change: %q", arg)
		}
		changes[name] = int64(s.number(version))
	}
	return change(changes, gone...)
}

func (s *scenario) number(arg string) int {
	n, err := strconv.Atoi(arg)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *scenario) say(format string, args ...any) {
	fmt.Fprintf(&s.out, "=> "+format+"\n", args...)
}

// describe names a hook and checks that it says nothing beside.
func describe(hi hook.Info) string {
	subject := hi.RemoteUnit + hi.RemoteApplication
	expect := hook.Info{
		Kind:              hi.Kind,
		RelationId:        relationId,
		RemoteUnit:        hi.RemoteUnit,
		RemoteApplication: hi.RemoteApplication,
		ChangeVersion:     hi.ChangeVersion,
	}
	if hi != expect || hi.RemoteUnit != "" && hi.RemoteApplication != "" {
		return fmt.Sprintf("%+v", hi)
	}
	if subject == "" {
		return string(hi.Kind)
	}
	return fmt.Sprintf("%s %s %d", hi.Kind, subject, hi.ChangeVersion)
}
