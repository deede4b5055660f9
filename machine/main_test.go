package machine_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// hookTool is the program that the hook tools of a test's units link to.
var hookTool string

func TestMain(m *testing.M) {
	if os.Getenv(agentVariable) != "" {
		beAgent()
		return
	}
	os.Exit(runWithHookTool(m))
}

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
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines left behind:", err)
		return 1
	}
	return code
}
