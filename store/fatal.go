package store

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"go.uber.org/zap/zapcore"
)

// fatalHook runs in place of the exit or panic that follows a fatal message of etcd's.
type fatalHook func(error)

// OnWrite ends the goroutine, because the code behind a fatal message relies on not being reached.
func (h fatalHook) OnWrite(ce *zapcore.CheckedEntry, fields []zapcore.Field) {
	h(fatalError(ce.Entry, fields))
	runtime.Goexit()
}

// fatalError makes an error of a fatal message. It wraps the cause where etcd gave one.
func fatalError(e zapcore.Entry, fields []zapcore.Field) error {
	for _, field := range fields {
		if err, ok := field.Interface.(error); ok && field.Type == zapcore.ErrorType {
			return fmt.Errorf("%s: %w", e.Message, err)
		}
	}
	return errors.New(e.Message)
}

// wrecks are the locks of servers that failed and could not be stopped: they still have
// etcd's files open. Held here, the locks last until the process ends.
var wrecks struct {
	mu    sync.Mutex
	locks []*os.File
}

func abandon(lock *os.File) {
	wrecks.mu.Lock()
	defer wrecks.mu.Unlock()
	wrecks.locks = append(wrecks.locks, lock)
}
