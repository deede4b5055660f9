package hooktool

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
)

// TestTurnAfterTheEnd covers a call that was let in while its hook ran and whose turn comes after it.
func TestTurnAfterTheEnd(t *testing.T) {
	a := &activation{hook: &Context{}}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	cmd := &unitGet{hook: a.hook} // would read a view that is not there
	a.end()
	if err := a.run(cmd, &result{}); !errors.Is(err, errEnded) {
		t.Errorf("got %v", err)
	}
	if a.ctx.Err() == nil {
		t.Error("calls that run were not cancelled")
	}
}

func TestPassing(t *testing.T) {
	for err, want := range map[error]bool{
		fmt.Errorf("accept: %w", syscall.EMFILE):       true,
		fmt.Errorf("accept: %w", syscall.ECONNABORTED): true,
		fmt.Errorf("accept: %w", syscall.EINVAL):       false,
		net.ErrClosed:                                  false,
	} {
		if got := passing(err); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// TestOnDone makes sure that what is released does not run afterwards.
func TestOnDone(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan struct{})
	released := onDone(ctx, func() { t.Error("ran after its release") })
	kept := onDone(ctx, func() { close(ran) })
	released()
	cancel()
	kept()
	<-ran
}
