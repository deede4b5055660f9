package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// bin is the directory of the programs that the tests of this package run.
var bin string

func TestMain(m *testing.M) {
	os.Exit(runWithPrograms(m))
}

// runWithPrograms builds the programs as a user would and runs the tests.
func runWithPrograms(m *testing.M) int {
	dir, err := os.MkdirTemp("", "unit-agent-bin")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin = dir
	build := exec.Command("go", "build", "-o", dir+"/", "../unit-agent", "../hook-tool")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "cannot build the programs: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

func unitAgent(args ...string) *exec.Cmd {
	return exec.Command(filepath.Join(bin, "unit-agent"), args...)
}

// testdata is the repository's testdata directory.
func testdata(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
