package store

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// expected are parts of warnings of etcd's that say only what this package chose or caused. They
// are debug messages here.
var expected = []string{
	"Running http and grpc server on single port",
	"simple token is not cryptographically signed",
	// In its first moments a new server looks for a version that it has yet to write.
	"Failed to detect schema version",
	"Failed to detect storage schema version",
	"failed to update storage version",
}

func isExpected(message string) bool {
	return slices.ContainsFunc(expected, func(part string) bool { return strings.Contains(message, part) })
}

// slogCore hands what etcd logs with zap to a slog.Logger. Etcd is talkative: its information
// is debug here, and its debug, several lines for each write, is nothing.
type slogCore struct {
	logger *slog.Logger
	// quieten lowers warnings and errors to debug: for the client, which returns what went wrong to its caller.
	quieten bool
}

var _ zapcore.Core = slogCore{}

func (c slogCore) level(l zapcore.Level) slog.Level {
	switch {
	case c.quieten || l < zapcore.WarnLevel:
		return slog.LevelDebug
	case l == zapcore.WarnLevel:
		return slog.LevelWarn
	default:
		return slog.LevelError
	}
}

func (c slogCore) Enabled(l zapcore.Level) bool {
	return l >= zapcore.InfoLevel && c.logger.Enabled(context.Background(), c.level(l))
}

func (c slogCore) With(fields []zapcore.Field) zapcore.Core {
	c.logger = slog.New(c.logger.Handler().WithAttrs(attrs(fields)))
	return c
}

func (c slogCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c slogCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	ctx := context.Background()
	level := c.level(e.Level)
	if isExpected(e.Message) {
		level = slog.LevelDebug
	}
	if !c.logger.Enabled(ctx, level) {
		return nil
	}
	r := slog.NewRecord(e.Time, level, "etcd: "+e.Message, 0)
	r.AddAttrs(attrs(fields)...)
	return c.logger.Handler().Handle(ctx, r)
}

func (c slogCore) Sync() error { return nil }

func attrs(fields []zapcore.Field) []slog.Attr {
	as := make([]slog.Attr, 0, len(fields))
	for _, f := range fields {
		enc := zapcore.NewMapObjectEncoder()
		f.AddTo(enc)
		for k, v := range enc.Fields {
			if d, ok := v.(time.Duration); ok {
				v = d.String()
			}
			as = append(as, slog.Any(k, v))
		}
	}
	return as
}

// clientLogger is for the etcd client, which logs each retry as a warning.
func clientLogger(l *slog.Logger) *zap.Logger {
	return zap.New(slogCore{logger: l, quieten: true})
}

// serverLogger is for the embedded server, which ends the process or panics after some
// messages. Instead, fatal is called with the message, and only the goroutine that logged it ends.
func serverLogger(l *slog.Logger, fatal func(error)) *zap.Logger {
	hook := fatalHook(fatal)
	return zap.New(slogCore{logger: l}, zap.WithFatalHook(hook), zap.WithPanicHook(hook))
}
