package uniter_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/unit-agent/unit-agent/store"
	"github.com/unit-agent/unit-agent/uniter/hooktool"
)

// watchdog bounds what a test waits for, so that it fails rather than hangs.
const watchdog = time.Minute

var (
	silent = slog.New(slog.DiscardHandler)

	// toolsDir holds the real hook-tool program and a link of every tool's name to it.
	toolsDir string

	// shared is the store of all tests; each has its own prefix in it. It is served from
	// sharedDir, where other processes reach it.
	shared    *store.Store
	sharedDir string
)

func TestMain(m *testing.M) {
	if os.Getenv(agentVariable) != "" {
		beAgent()
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "uniter-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if toolsDir, err = buildTools(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	sharedDir = filepath.Join(dir, "etcd")
	if shared, err = store.Open(context.Background(), store.Config{Dir: sharedDir, Logger: silent}); err != nil {
		panic(err)
	}
	code := m.Run()
	shared.Kill()
	if err := shared.Wait(); err != nil {
		fmt.Fprintln(os.Stderr, "store:", err)
		return 1
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines left behind:", err)
		return 1
	}
	return code
}

func buildTools(dir string) (string, error) {
	tools := filepath.Join(dir, "tools")
	program := filepath.Join(tools, "hook-tool")
	build := exec.Command("go", "build", "-o", program, "github.com/unit-agent/unit-agent/cmd/hook-tool")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build hook-tool: %w\n%s", err, out)
	}
	for _, name := range hooktool.Names() {
		if err := os.Symlink("hook-tool", filepath.Join(tools, name)); err != nil {
			return "", err
		}
	}
	return tools, nil
}
