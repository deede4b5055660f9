package hooktool_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/unit-agent/unit-agent/uniter/hooktool"
)

// toolsDir holds the real hook-tool program and a link of every tool's name to it.
var toolsDir string

func TestMain(m *testing.M) {
	dir, err := buildTools()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	toolsDir = dir
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

func buildTools() (string, error) {
	dir, err := os.MkdirTemp("", "hook-tools-")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "hook-tool")
	build := exec.Command("go", "build", "-o", program, "github.com/unit-agent/unit-agent/cmd/hook-tool")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build hook-tool: %w\n%s", err, out)
	}
	for _, name := range hooktool.Names() {
		if err := os.Symlink("hook-tool", filepath.Join(dir, name)); err != nil {
			return "", err
		}
	}
	return dir, nil
}
