package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"
)

func TestOneLine(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{errors.New("plain"), "plain"},
		{errors.New("two\nlines"), "two; lines"},
		{errors.New("yaml: unmarshal errors:\n  line 3: no\n  line 4: no"), "yaml: unmarshal errors: line 3: no; line 4: no"},
		{errors.Join(errors.New("first"), errors.New("second")), "first; second"},
		{errors.New("\n\n blank \t  and\r\n\nmore \n"), "blank and; more"},
		{errors.New("a \x1b[31mcharm\x1b[0m's \x07 \u009b words"), "a [31mcharm [0m's words"},
		{errors.New(""), ""},
	} {
		if got := oneLine(test.err); got != test.want {
			t.Errorf("%q: got %q, want %q", test.err, got, test.want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	t.Setenv("UNIT_AGENT_DATA_DIR", t.TempDir())
	for _, test := range []struct {
		args []string
		want int
	}{
		{nil, exitOK},
		{[]string{"version"}, exitOK},
		{[]string{"hooks", "mysql/0"}, exitFailed},
		{[]string{"hooks", "mysql"}, exitUsage},
		{[]string{"nonsense"}, exitUsage},
		{[]string{"--data-dir"}, exitUsage},
		{[]string{"version", "--format", "xml"}, exitUsage},
		{[]string{"version", "more"}, exitUsage},
	} {
		if code, _, stderr := run(test.args...); code != test.want {
			t.Errorf("%q: exit code %d, want %d; %s", test.args, code, test.want, stderr)
		}
	}
}

func TestUsageErrorsAreFoundWhereverTheyAre(t *testing.T) {
	err := fmt.Errorf("around: %w", usagef("the words make no %s", "sense"))
	if err.Error() != "around: the words make no sense" || !errors.As(err, new(usageError)) {
		t.Errorf("got %v", err)
	}
}

func TestDataDir(t *testing.T) {
	t.Setenv("HOME", "/home/someone")
	prepared := func(given string) string {
		p := &program{dataDir: given, stderr: io.Discard}
		if err := p.prepare(); err != nil {
			t.Fatal(err)
		}
		return p.dataDir
	}
	t.Setenv("UNIT_AGENT_DATA_DIR", "/from/environment")
	if got := prepared("/given"); got != "/given" {
		t.Errorf("given: %s", got)
	}
	if got := prepared("here/../there"); !filepath.IsAbs(got) || filepath.Base(got) != "there" {
		t.Errorf("given as relative: %s", got)
	}
	if got := prepared(""); got != "/from/environment" {
		t.Errorf("from the environment: %s", got)
	}
	t.Setenv("UNIT_AGENT_DATA_DIR", "")
	if got := prepared(""); got != defaultDataDir() {
		t.Errorf("by default: %s", got)
	}
}

func TestEndpointsFromTheEnvironment(t *testing.T) {
	t.Setenv("UNIT_AGENT_ENDPOINTS", "a:1,b:2")
	p := &program{stderr: io.Discard}
	if err := p.prepare(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(p.cluster.endpoints); got != "[a:1 b:2]" {
		t.Errorf("got %s", got)
	}
	p = &program{stderr: io.Discard, cluster: cluster{endpoints: []string{"c:3"}}}
	if err := p.prepare(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(p.cluster.endpoints); got != "[c:3]" {
		t.Errorf("given: got %s", got)
	}
}

// TestCancelled shows that a command that is stopped ends, with an error.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if code := execute(ctx, []string{"status", "--data-dir", t.TempDir()}, nil, io.Discard, io.Discard); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
}
