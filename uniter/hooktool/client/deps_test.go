package client_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestDependencies keeps the start of a hook tool cheap: it may import the standard
// library only, and of that nothing whose initialisation costs.
func TestDependencies(t *testing.T) {
	const (
		self    = "github.com/unit-agent/unit-agent/uniter/hooktool/client"
		program = "github.com/unit-agent/unit-agent/cmd/hook-tool"
	)
	out, err := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}} {{.Standard}}", program).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	costly := []string{"fmt", "net", "reflect", "regexp", "encoding/json", "encoding/binary", "os/exec", "log/slog", "flag"}
	seen := 0
	for line := range strings.Lines(string(out)) {
		path, standard, _ := strings.Cut(strings.TrimSpace(line), " ")
		seen++
		if path == self || path == program {
			continue
		}
		if standard != "true" {
			t.Errorf("%s is not of the standard library", path)
		}
		if slices.Contains(costly, path) {
			t.Errorf("%s costs too much at start-up", path)
		}
	}
	if seen < 10 {
		t.Errorf("go list named %d packages only:\n%s", seen, out)
	}
}
