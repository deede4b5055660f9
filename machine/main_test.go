package machine_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// hookTool is the program that the hook tools of a test's units link to.
var hookTool string

func TestMain(m *testing.M) { os.Exit(runWithHookTool(m)) }

func runWithHookTool(m *testing.M) int {
	dir, err := os.MkdirTemp("", "machine-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	hookTool = filepath.Join(dir, "hook-tool")
	if out, err := exec.Command("go", "build", "-o", hookTool, "../cmd/hook-tool").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "cannot build the hook tool: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
