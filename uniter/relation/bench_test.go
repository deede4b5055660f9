package relation_test

import (
	"fmt"
	"testing"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/relation"
)

// benchMembers is the size of the relation that the live source benchmarks
// use. They report the time of a hook, for one that is in the schedule among
// so many others.
const benchMembers = 10000

func memberNames() []string {
	names := make([]string, benchMembers)
	for i := range names {
		names[i] = fmt.Sprintf("mysql/%d", i)
	}
	return names
}

func perHook(b *testing.B, hooks int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(hooks), "ns/hook")
}

// drain runs the hooks of source, and returns how many there were.
func drain(source relation.HookSource) (n int) {
	for !source.Empty() {
		sink = source.Next()
		source.Pop()
		n++
	}
	return n
}

var sink hook.Info

// BenchmarkLiveHookSourceJoin has all members of a relation join, in one event
// as at the start of an agent, or each in its own; and runs their hooks.
func BenchmarkLiveHookSourceJoin(b *testing.B) {
	names := memberNames()
	all := relation.RelationUnitsChange{Changed: make(map[string]relation.UnitSettings)}
	each := make([]relation.RelationUnitsChange, len(names))
	for i, name := range names {
		settings := relation.UnitSettings{Version: int64(i)}
		all.Changed[name] = settings
		each[i].Changed = map[string]relation.UnitSettings{name: settings}
	}
	run := func(b *testing.B, events []relation.RelationUnitsChange) {
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			source := relation.NewLiveHookSource(&relation.State{}, nil)
			for _, event := range events {
				if err := source.Update(event); err != nil {
					b.Fatal(err)
				}
			}
			n += drain(source)
		}
		if n != b.N*2*benchMembers {
			b.Fatalf("got %d hooks in %d rounds", n, b.N)
		}
		perHook(b, n)
	}
	b.Run("floor=map", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			units := make(map[string]*int64)
			for name, settings := range all.Changed {
				version := settings.Version
				units[name] = &version
			}
		}
		perHook(b, b.N*2*benchMembers)
	})
	b.Run("one-event", func(b *testing.B) {
		run(b, []relation.RelationUnitsChange{all})
	})
	b.Run("event-each", func(b *testing.B) {
		run(b, each)
	})
}

// BenchmarkLiveHookSourceUpdates has all members of a relation change their
// settings again and again, and runs the hooks.
func BenchmarkLiveHookSourceUpdates(b *testing.B) {
	names := memberNames()
	var rounds [2][]relation.RelationUnitsChange
	var whole [2]relation.RelationUnitsChange
	for r := range rounds {
		settings := relation.UnitSettings{Version: int64(r + 1)}
		whole[r].Changed = make(map[string]relation.UnitSettings)
		for _, name := range names {
			whole[r].Changed[name] = settings
			rounds[r] = append(rounds[r], relation.RelationUnitsChange{
				Changed: map[string]relation.UnitSettings{name: settings},
			})
		}
	}
	run := func(b *testing.B, events func(round int) []relation.RelationUnitsChange) {
		source := relation.NewLiveHookSource(&relation.State{}, nil)
		for round := range 2 {
			for _, event := range events(round) {
				if err := source.Update(event); err != nil {
					b.Fatal(err)
				}
			}
			drain(source)
		}
		b.ReportAllocs()
		n, round := 0, 0
		for b.Loop() {
			for _, event := range events(round % 2) {
				if err := source.Update(event); err != nil {
					b.Fatal(err)
				}
			}
			n += drain(source)
			round++
		}
		if n != b.N*benchMembers {
			b.Fatalf("got %d hooks in %d rounds", n, b.N)
		}
		perHook(b, n)
	}
	b.Run("floor=map", func(b *testing.B) {
		versions := make(map[string]int64)
		b.ReportAllocs()
		round := 0
		for b.Loop() {
			for name, settings := range whole[round%2].Changed {
				versions[name] = settings.Version
			}
			round++
		}
		perHook(b, b.N*benchMembers)
	})
	b.Run("one-event", func(b *testing.B) {
		run(b, func(round int) []relation.RelationUnitsChange { return whole[round : round+1] })
	})
	b.Run("event-each", func(b *testing.B) {
		run(b, func(round int) []relation.RelationUnitsChange { return rounds[round] })
	})
}

// endless is a source that never runs out, and never changes: because it cannot, or
// though it might.
type endless struct {
	relation.NoUpdates
	changes <-chan relation.RelationUnitsChange
	info    hook.Info
}

func (s *endless) Changes() <-chan relation.RelationUnitsChange { return s.changes }
func (s *endless) Empty() bool                                  { return false }
func (s *endless) Next() hook.Info                              { return s.info }
func (s *endless) Pop()                                         { s.info.ChangeVersion++ }

var never = make(chan relation.RelationUnitsChange)

var benchInfo = hook.Info{Kind: hooks.RelationChanged, RelationId: 1, RemoteUnit: "mysql/0"}

// BenchmarkHandOver compares what a sender and a peeker need to hand over one
// hook with the floor: the same through a bare channel. A sender that can be
// stopped while nobody receives cannot do with less than a select, which is there
// for comparison.
func BenchmarkHandOver(b *testing.B) {
	b.Run("floor=channel", func(b *testing.B) {
		out := make(chan hook.Info)
		go func() {
			for range b.N {
				out <- benchInfo
			}
		}()
		b.ReportAllocs()
		for range b.N {
			sink = <-out
		}
	})
	b.Run("bare=select", func(b *testing.B) {
		out := make(chan hook.Info)
		go func() {
			for range b.N {
				select {
				case out <- benchInfo:
				case <-never:
				}
			}
		}()
		b.ReportAllocs()
		for range b.N {
			sink = <-out
		}
	})
	send := func(b *testing.B, changes <-chan relation.RelationUnitsChange) {
		out := make(chan hook.Info)
		sender := relation.NewHookSender(out, &endless{info: benchInfo, changes: changes})
		b.ReportAllocs()
		for range b.N {
			sink = <-out
		}
		if err := sender.Stop(); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("sender=static", func(b *testing.B) { send(b, nil) })
	b.Run("sender=live", func(b *testing.B) { send(b, never) })
	b.Run("peeker=live", func(b *testing.B) {
		peeker := relation.NewPeeker(&endless{info: benchInfo, changes: never})
		b.ReportAllocs()
		for range b.N {
			peek := <-peeker.Peeks()
			sink = peek.HookInfo()
			peek.Consume()
		}
		if err := peeker.Stop(); err != nil {
			b.Fatal(err)
		}
	})
}
