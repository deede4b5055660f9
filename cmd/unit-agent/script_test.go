package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/store"
)

// watchdog is when something that should happen is taken for lost.
const watchdog = time.Minute

// TestScripts runs the scripts in testdata/script, one situation each, with the
// real programs and real charms. The commands that scripts have beside those of
// testscript are explained below.
func TestScripts(t *testing.T) {
	repository := filepath.Dir(testdata(t))
	goEnv := goEnvironment(t)
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join(testdata(t), "script"),
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("UNIT_AGENT_DATA_DIR", filepath.Join(env.WorkDir, "data"))
			env.Setenv("REPOSITORY", repository)
			env.Setenv("CHARMS", filepath.Join(repository, "testdata", "charms"))
			env.Setenv("BUNDLES", filepath.Join(repository, "testdata", "bundles"))
			env.Setenv("STATEDIRS", filepath.Join(repository, "testdata", "statedir"))
			env.Setenv("UNIT_AGENT_ENDPOINTS", "")
			env.Setenv("XDG_STATE_HOME", "")
			env.Setenv("TZ", "UTC")
			for key, value := range goEnv {
				env.Setenv(key, value)
			}
			env.Values[environment{}] = slices.Clone(env.Vars)
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await": await,
			"exits": exits,
			"wrong": wrong,
			"json":  lookIntoJSON,
		},
	})
}

// goEnvironment is what the go command needs to know where HOME is another.
func goEnvironment(t *testing.T) map[string]string {
	t.Helper()
	out, err := exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOFLAGS").Output()
	if err != nil {
		t.Fatal(err)
	}
	var env map[string]string
	if err := json.Unmarshal(out, &env); err != nil {
		t.Fatal(err)
	}
	return env
}

// await PATTERN COMMAND... runs a command that ends by itself until it succeeds
// and its output matches.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await PATTERN COMMAND...")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	program, err := exec.LookPath(args[1])
	if err != nil {
		program = filepath.Join(bin, args[1])
	}
	for deadline := time.Now().Add(watchdog); ; time.Sleep(50 * time.Millisecond) {
		// Not ts.Exec, which logs every attempt.
		var stdout, stderr bytes.Buffer
		command := exec.Command(program, args[2:]...)
		command.Dir = ts.MkAbs(".")
		command.Env = currentEnvironment(ts)
		command.Stdout, command.Stderr = &stdout, &stderr
		err := command.Run()
		if err == nil && pattern.Match(stdout.Bytes()) {
			ts.Check(os.WriteFile(ts.MkAbs("$awaited"), stdout.Bytes(), 0o600))
			ts.Check(ts.Exec("cat", ts.MkAbs("$awaited")))
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%q never matched %q; the last was %v:\n%s%s", args[1:], args[0], err, &stdout, &stderr)
		}
	}
}

// environment is the key of the variables that a script begins with.
type environment struct{}

// currentEnvironment is what the script's own commands run with.
func currentEnvironment(ts *testscript.TestScript) []string {
	var current []string
	for _, variable := range ts.Value(environment{}).([]string) {
		name, _, _ := strings.Cut(variable, "=")
		current = append(current, name+"="+ts.Getenv(name))
	}
	return current
}

// exits CODE COMMAND... runs a command that has to end with the exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	runFor(ts, want, args[1:])
}

func runFor(ts *testscript.TestScript, want int, args []string) {
	code := 0
	if err := ts.Exec(args[0], args[1:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%q: %v", args, err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// wrong CODE PATTERN COMMAND... runs a command that has to fail with the exit
// code, say why in one line of standard error that matches, print nothing else,
// and leave the model and the files of the data directory as they were.
func wrong(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: wrong CODE PATTERN COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	pattern, err := regexp.Compile("^ERROR " + args[1] + "\n$")
	ts.Check(err)
	before := fingerprint(ts)
	runFor(ts, want, args[2:])
	if out := ts.ReadFile("stderr"); !pattern.MatchString(out) {
		ts.Fatalf("standard error is %q, want one line that matches %q", out, args[1])
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("standard output is not empty: %q", out)
	}
	after := fingerprint(ts)
	for _, thing := range slices.Sorted(maps.Keys(after)) {
		if after[thing] != before[thing] {
			ts.Fatalf("%s was changed or added", thing)
		}
		delete(before, thing)
	}
	for thing := range before {
		ts.Fatalf("%s was removed", thing)
	}
}

// fingerprint tells every key of the store and every file of the data directory
// from what it may become. What ends with a process is left out: who is alive,
// who leads, locks.
func fingerprint(ts *testscript.TestScript) map[string]string {
	data := ts.Getenv("UNIT_AGENT_DATA_DIR")
	things := map[string]string{}
	err := filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case path == filepath.Join(data, "etcd"):
			return fs.SkipDir
		case !strings.HasSuffix(path, "lock"):
			things[path] = entry.Type().String()
		}
		return nil
	})
	ts.Check(err)
	if _, err := os.Stat(filepath.Join(data, "etcd")); err != nil {
		return things
	}
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	defer cancel()
	s, err := store.Open(ctx, store.Config{Dir: filepath.Join(data, "etcd"), Logger: slog.New(slog.DiscardHandler)})
	ts.Check(err)
	defer s.Wait()
	defer s.Kill()
	found, err := s.Client().Get(ctx, "\x00", clientv3.WithFromKey())
	ts.Check(err)
	for _, kv := range found.Kvs {
		if kv.Lease == 0 {
			things["key "+string(kv.Key)] = fmt.Sprint(kv.ModRevision)
		}
	}
	return things
}

// json FILE PATH [VALUE] looks into a JSON file, or stdout, at a path of keys
// and indexes separated by dots: it must be there, with that value if one is
// given. "! json FILE PATH" is the contrary.
func lookIntoJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || len(args) > 3 || neg && len(args) > 2 {
		ts.Fatalf("usage: [!] json FILE PATH [VALUE]")
	}
	var value any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &value))
	there := true
	for _, step := range strings.Split(args[1], ".") {
		switch at := value.(type) {
		case map[string]any:
			value, there = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			if there = err == nil && i >= 0 && i < len(at); there {
				value = at[i]
			}
		default:
			there = false
		}
		if !there {
			break
		}
	}
	switch {
	case there && neg:
		ts.Fatalf("%s is there: %v", args[1], value)
	case !there && !neg:
		ts.Fatalf("%s is not there", args[1])
	case len(args) == 3 && fmt.Sprint(value) != args[2]:
		ts.Fatalf("%s is %v, want %s", args[1], value, args[2])
	}
}
