package election_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.etcd.io/etcd/client/v3/concurrency"

	"github.com/unit-agent/unit-agent/election"
	"github.com/unit-agent/unit-agent/store/etcdtest"
)

// "Op is a function that will be called when a node participating in an election becomes the leader."
// "Leadership is resigned once the function exits".
func TestLeadersFollowOneAnother(t *testing.T) {
	client := etcdtest.Start(t)
	first := run(t, candidate(t, client, "a"))
	ctx := first.leads()
	second := run(t, candidate(t, client, "b"))
	waits(t, client, 2)
	third := run(t, candidate(t, client, "c"))
	waits(t, client, 3)
	if ctx.Err() != nil || len(second.began) > 0 || len(third.began) > 0 {
		t.Fatal("the first does not lead alone")
	}
	first.finish <- nil
	ok(t, first.ends())
	second.leads()
	if len(third.began) > 0 {
		t.Fatal("two lead")
	}
	// One who waits and goes away is not waited for.
	fourth := run(t, candidate(t, client, "d"))
	waits(t, client, 3)
	third.cancel()
	if err := third.ends(); !errors.Is(err, context.Canceled) {
		t.Errorf("who was cancelled while waiting got %v", err)
	}
	waits(t, client, 2)
	second.finish <- nil
	ok(t, second.ends())
	fourth.leads()
	fourth.finish <- nil
	ok(t, fourth.ends())
	wantKeys(t, client, 0)
}

// "(or is canceled via the Context)": the op's context ends with Run's, and the key goes when the op has returned.
func TestCancelResigns(t *testing.T) {
	client := etcdtest.Start(t)
	e := candidate(t, client, "a")
	ctx, cancel := context.WithCancel(testContext(t))
	err := e.Run(ctx, func(ctx context.Context) error {
		cancel()
		<-ctx.Done()
		wantKeys(t, client, 1)
		return nil
	})
	ok(t, err)
	wantKeys(t, client, 0)
	if err := e.Run(ctx, func(context.Context) error { t.Error("op runs"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("error of a run whose context had ended is %v", err)
	}
	wantKeys(t, client, 0)
}

// "WaitForever is an Op that does nothing (until the Context is canceled)."
func TestWaitForever(t *testing.T) {
	client := etcdtest.Start(t)
	e := candidate(t, client, "a")
	ctx, cancel := context.WithCancel(testContext(t))
	states := e.Watch(testContext(t))
	go func() {
		for s := range states {
			if s.State == election.StateLeader {
				cancel()
				return
			}
		}
	}()
	if err := e.Run(ctx, election.WaitForever); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	wantKeys(t, client, 0)
}

func TestTheOpsErrorIsReturnedAndItCanRunAgain(t *testing.T) {
	client := etcdtest.Start(t)
	e := candidate(t, client, "a")
	for range 3 {
		failure := errors.New("no")
		err := e.Run(testContext(t), func(context.Context) error { return failure })
		if !errors.Is(err, failure) || errors.Is(err, election.ErrLost) || !strings.Contains(err.Error(), place) {
			t.Errorf("error is %v", err)
		}
		wantKeys(t, client, 0)
	}
}

func TestASecondRunOnOneSessionIsRefused(t *testing.T) {
	client := etcdtest.Start(t)
	s := session(t, client, 60)
	first := run(t, election.New(s, place, endpoint("a")))
	ctx := first.leads()
	never := func(context.Context) error { t.Error("it leads"); return nil }
	for _, path := range []string{place, place + "/"} {
		err := election.New(s, path, endpoint("b")).Run(testContext(t), never)
		if err == nil || !strings.Contains(err.Error(), "already") {
			t.Errorf("error is %v", err)
		}
	}
	wantKeys(t, client, 1)
	if ctx.Err() != nil {
		t.Error("the first lost the leadership by it")
	}
	// "Several elections share a session."
	ok(t, election.New(s, "/test/other", endpoint("a")).Run(testContext(t), func(context.Context) error { return nil }))
	first.finish <- nil
	ok(t, first.ends())
	ok(t, election.New(s, place, endpoint("b")).Run(testContext(t), func(context.Context) error { return nil }))
}

func TestAPanicResigns(t *testing.T) {
	client := etcdtest.Start(t)
	e := candidate(t, client, "a")
	func() {
		defer func() {
			if got := recover(); got != "oops" {
				t.Errorf("recovered %v", got)
			}
			wantKeys(t, client, 0)
		}()
		_ = e.Run(testContext(t), func(context.Context) error { panic("oops") })
	}()
	ok(t, e.Run(testContext(t), func(context.Context) error { return nil }))
}

// "If self is not nil, the caller participates in the election and can call Run()."
func TestAWitnessCannotRun(t *testing.T) {
	client := etcdtest.Start(t)
	s := session(t, client, 60)
	for _, e := range []*election.Election{election.New(s, place, nil), election.New(s, place, endpoint("\xff no text"))} {
		if err := e.Run(testContext(t), election.WaitForever); err == nil {
			t.Error("it ran")
		}
	}
	wantKeys(t, client, 0)
}

// The ways in which a leader loses the leadership.
func TestLoss(t *testing.T) {
	client := etcdtest.Start(t)
	ways := map[string]func(*testing.T, *concurrency.Session) error{
		"session closed":   func(_ *testing.T, s *concurrency.Session) error { return s.Close() },
		"session orphaned": func(_ *testing.T, s *concurrency.Session) error { s.Orphan(); return nil },
		"lease revoked": func(t *testing.T, s *concurrency.Session) error {
			_, err := client.Revoke(testContext(t), s.Lease())
			return err
		},
		"key removed": func(t *testing.T, _ *concurrency.Session) error {
			_, err := client.Delete(testContext(t), place+"/"+keys(t, client)[0])
			return err
		},
		"key replaced": func(t *testing.T, s *concurrency.Session) error {
			key := place + "/" + keys(t, client)[0]
			if _, err := client.Delete(testContext(t), key); err != nil {
				return err
			}
			_, err := client.Put(testContext(t), key, "x")
			if err == nil {
				t.Cleanup(func() { _, _ = client.Delete(context.Background(), key) })
			}
			return err
		},
	}
	for what, way := range ways {
		t.Run(what, func(t *testing.T) {
			s := session(t, client, 60)
			r := run(t, election.New(s, place, endpoint("a")))
			ctx := r.leads()
			ok(t, way(t, s))
			receive(t, ctx.Done())
			if cause := context.Cause(ctx); !errors.Is(cause, election.ErrLost) {
				t.Errorf("the op's context ended for %v", cause)
			}
			if err := r.ends(); !errors.Is(err, election.ErrLost) {
				t.Errorf("error is %v, want ErrLost", err)
			}
			if what != "key replaced" {
				wantKeys(t, client, 0)
			}
		})
		t.Run(what+", op fails", func(t *testing.T) {
			s := session(t, client, 60)
			failure := errors.New("no")
			err := election.New(s, place, endpoint("a")).Run(testContext(t), func(ctx context.Context) error {
				ok(t, way(t, s))
				<-ctx.Done()
				return failure
			})
			if !errors.Is(err, failure) {
				t.Errorf("error is %v", err)
			}
		})
	}
}
