package store

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
)

func bufferLogger(level slog.Level) (*bytes.Buffer, *slog.Logger) {
	var b bytes.Buffer
	return &b, slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

func TestServerLogLevels(t *testing.T) {
	for _, test := range []struct {
		level slog.Level
		want  string
	}{
		{slog.LevelInfo, `level=WARN msg="etcd: warning" k=v
level=ERROR msg="etcd: error" error=why
`},
		{slog.LevelDebug, `level=DEBUG msg="etcd: information" took=1.5s
level=WARN msg="etcd: warning" k=v
level=DEBUG msg="etcd: simple token is not cryptographically signed"
level=ERROR msg="etcd: error" error=why
`},
	} {
		b, logger := bufferLogger(test.level)
		lg := serverLogger(logger, nil)
		lg.Debug("detail")
		lg.Info("information", zap.Duration("took", 1500*time.Millisecond))
		lg.With(zap.String("k", "v")).Warn("warning")
		lg.Warn("simple token is not cryptographically signed")
		lg.Error("error", zap.Error(errors.New("why")))
		if got := b.String(); got != test.want {
			t.Errorf("at %v:\n%s\nwant:\n%s", test.level, got, test.want)
		}
	}
}

func TestClientLogIsForDebugging(t *testing.T) {
	b, logger := bufferLogger(slog.LevelInfo)
	clientLogger(logger).Error("retrying")
	if b.Len() > 0 {
		t.Errorf("got %q", b.String())
	}
	b, logger = bufferLogger(slog.LevelDebug)
	clientLogger(logger).Warn("retrying")
	if got := b.String(); got != "level=DEBUG msg=\"etcd: retrying\"\n" {
		t.Errorf("got %q", got)
	}
}

func TestFatalMessageEndsOnlyTheGoroutine(t *testing.T) {
	for name, log := range map[string]func(*zap.Logger, string, ...zap.Field){
		"fatal": (*zap.Logger).Fatal,
		"panic": (*zap.Logger).Panic,
	} {
		b, logger := bufferLogger(slog.LevelInfo)
		var got error
		ended, reached := make(chan struct{}), false
		go func() {
			defer close(ended)
			log(serverLogger(logger, func(err error) { got = err }), "cannot go on", zap.String("path", "p"), zap.Error(fs.ErrNotExist))
			reached = true
		}()
		<-ended
		if reached {
			t.Errorf("%s: the code behind it was reached", name)
		}
		if !errors.Is(got, fs.ErrNotExist) || got.Error() != "cannot go on: file does not exist" {
			t.Errorf("%s: got %v", name, got)
		}
		if !strings.Contains(b.String(), "level=ERROR msg=\"etcd: cannot go on\" path=p") {
			t.Errorf("%s: logged %q", name, b.String())
		}
	}
	var got error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, logger := bufferLogger(slog.LevelError + 1) // logged or not
		serverLogger(logger, func(err error) { got = err }).Fatal("no cause given")
	}()
	<-ended
	if got == nil || got.Error() != "no cause given" {
		t.Errorf("got %v", got)
	}
}
