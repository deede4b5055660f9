package charm_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/charm"
)

// With these two, this test's program is one that installs a charm.
const (
	sourceVariable      = "CHARM_TEST_INSTALL_FROM"
	destinationVariable = "CHARM_TEST_INSTALL_TO"
)

func TestMain(m *testing.M) {
	if src := os.Getenv(sourceVariable); src != "" {
		if err := charm.Install(src, os.Getenv(destinationVariable)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// A process that installs a charm is killed at any moment: in the midst of a
// file too, which no step of package durable is.
func TestInstallKilled(t *testing.T) {
	f := files{"metadata.yaml": metadata, "dispatch*": "x", "hooks/start->../dispatch": ""}
	for i := range 10 {
		f[fmt.Sprintf("lib/%d", i)] = fmt.Sprintf("%100000d", i)
	}
	src := makeDir(t, f)
	installTo := func(dst string) *exec.Cmd {
		command := exec.Command(os.Args[0])
		command.Env = append(os.Environ(), sourceVariable+"="+src, destinationVariable+"="+dst)
		command.Stderr = os.Stderr
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		return command
	}
	begin := time.Now()
	if err := installTo(filepath.Join(t.TempDir(), "charm")).Wait(); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(begin)

	r := rand.New(rand.NewPCG(3, 4))
	for round := range 10 {
		dst := filepath.Join(t.TempDir(), "home", "charm")
		// Twice, so that the second finds what the first has left.
		for range 2 {
			process := installTo(dst)
			time.Sleep(time.Duration(r.Int64N(int64(whole))))
			_ = process.Process.Kill()
			_ = process.Wait()
			if _, err := os.Lstat(dst); err == nil {
				if got := readDir(t, dst); !maps.Equal(got, f) {
					t.Fatalf("round %d: there is a charm, but not the whole: %d files", round, len(got))
				}
			} else if !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		if err := charm.Install(src, dst); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if got := readDir(t, dst); !maps.Equal(got, f) {
			t.Fatalf("round %d: %d files after all", round, len(got))
		}
		if entries, _ := os.ReadDir(filepath.Dir(dst)); len(entries) != 1 {
			t.Errorf("round %d: %v is left", round, entries)
		}
	}
}
