package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func TestTrimKeepsTheNewest(t *testing.T) {
	ctx := context.Background()
	s, err := Open(ctx, Config{Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		s.Kill()
		s.Wait()
	}()
	put := func(n int) (rev int64) {
		for i := range n {
			resp, err := s.client.Put(ctx, "k", fmt.Sprint(i))
			if err != nil {
				t.Fatal(err)
			}
			rev = resp.Header.Revision
		}
		return rev
	}
	readable := func(rev int64) bool {
		_, err := s.client.Get(ctx, "k", clientv3.WithRev(rev))
		if err != nil && !errors.Is(err, rpctypes.ErrCompacted) {
			t.Fatal(err)
		}
		return err == nil
	}

	now := put(105)
	if err := s.server.trim(ctx, 100); err != nil {
		t.Fatal(err)
	}
	if !readable(now - 104) {
		t.Error("trimmed though there was little to gain")
	}

	now = put(20)
	if err := s.server.trim(ctx, 100); err != nil {
		t.Fatal(err)
	}
	if readable(now - 101) {
		t.Error("more is kept than asked for")
	}
	if !readable(now-99) || !readable(now) {
		t.Error("less is kept than asked for")
	}
	if err := s.server.trim(ctx, 100); err != nil {
		t.Errorf("trimming twice: %v", err)
	}

	if err := s.server.trim(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if readable(now-1) || !readable(now) {
		t.Error("trimming all history left something else than the present")
	}
}
