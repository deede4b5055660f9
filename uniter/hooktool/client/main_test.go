package client_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/uniter/hooktool/client"
)

// agent stands in for a unit's agent: serve has every connection to the socket.
func agent(t *testing.T, dir string, serve func(net.Conn)) (address string) {
	t.Helper()
	t.Chdir(dir) // a long directory has a short name from within
	listener, err := net.Listen("unix", "agent.sock")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { listener.Close(); <-done })
	return filepath.Join(dir, "agent.sock")
}

func inHook(t *testing.T, address string) {
	t.Setenv("JUJU_CONTEXT_ID", "u/0-install-1")
	t.Setenv("JUJU_AGENT_SOCKET_ADDRESS", address)
	t.Setenv("JUJU_AGENT_SOCKET_NETWORK", "unix")
}

func run(stdin io.Reader, argv ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	code = client.Main(argv, stdin, &out, &errs)
	return out.String(), errs.String(), code
}

// noStdin is a standard input that must not be read.
type noStdin struct{ t *testing.T }

func (n noStdin) Read([]byte) (int, error) {
	n.t.Error("standard input was read")
	return 0, io.EOF
}

func readCall(t *testing.T, conn net.Conn) client.Call {
	kind, payload, err := client.ReadFrame(conn)
	if err != nil || kind != client.KindCall {
		t.Errorf("no call: kind %c, %v", kind, err)
	}
	call, err := client.ParseCall(payload)
	if err != nil {
		t.Errorf("bad call: %v", err)
	}
	return call
}

func sendAnswer(conn net.Conn, answer client.Answer) {
	client.WriteFrame(conn, client.KindAnswer, answer.Payload())
}

func TestCallAndAnswer(t *testing.T) {
	calls := make(chan client.Call, 1)
	address := agent(t, t.TempDir(), func(conn net.Conn) {
		calls <- readCall(t, conn)
		sendAnswer(conn, client.Answer{Code: 7, Stdout: []byte("out\n"), Stderr: []byte("err\n")})
	})
	inHook(t, address)
	for _, argv := range [][]string{
		{"/some/tools/relation-get", "-r", "db:1", ""},
		{"relation-get", "-r", "db:1", ""},
		{"/usr/bin/hook-tool", "relation-get", "-r", "db:1", ""},
	} {
		stdout, stderr, code := run(noStdin{t}, argv...)
		if stdout != "out\n" || stderr != "err\n" || code != 7 {
			t.Errorf("%q: got %q, %q, %d", argv, stdout, stderr, code)
		}
		call := <-calls
		if call.ContextID != "u/0-install-1" || call.Tool != "relation-get" || !slices.Equal(call.Args, []string{"-r", "db:1", ""}) {
			t.Errorf("%q: the agent got %+v", argv, call)
		}
	}
}

func TestLongSocketPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 100), strings.Repeat("e", 100))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	address := agent(t, dir, func(conn net.Conn) {
		readCall(t, conn)
		sendAnswer(conn, client.Answer{Stdout: []byte("long\n")})
	})
	inHook(t, address)
	if stdout, stderr, code := run(noStdin{t}, "is-leader"); stdout != "long\n" || code != 0 {
		t.Errorf("got %q, %q, %d", stdout, stderr, code)
	}
}

// TestInputs covers what the agent may have sent to it: standard input and files by names that mean
// what they mean to the caller.
func TestInputs(t *testing.T) {
	var names []string // that the agent asks for
	got := make(chan string, 10)
	address := agent(t, t.TempDir(), func(conn net.Conn) {
		readCall(t, conn)
		for _, name := range names {
			client.WriteFrame(conn, client.KindWantInput, []byte(name))
			kind, payload, err := client.ReadFrame(conn)
			if err != nil || kind != client.KindInput {
				return
			}
			got <- string(payload)
		}
		sendAnswer(conn, client.Answer{})
	})
	inHook(t, address)
	large := strings.Repeat("0123456789", 100_000)
	if err := os.WriteFile("large", []byte(large), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("empty", nil, 0o600); err != nil {
		t.Fatal(err)
	}

	names = []string{"-", "large", "empty"}
	if _, stderr, code := run(strings.NewReader("from stdin"), "relation-set"); code != 0 {
		t.Fatalf("got %q, %d", stderr, code)
	}
	for _, want := range []string{"from stdin", large, ""} {
		if input := <-got; input != want {
			t.Errorf("the agent got %d bytes, want %d", len(input), len(want))
		}
	}

	names = []string{"missing"}
	_, stderr, code := run(noStdin{t}, "relation-set")
	if stderr != "ERROR cannot read missing: no such file or directory\n" || code != 1 {
		t.Errorf("got %q, %d", stderr, code)
	}

	names = []string{"-"}
	_, stderr, code = run(io.LimitReader(zeros{}, client.MaxPayload+1), "relation-set")
	if stderr != "ERROR cannot read -: it is longer than 16777216 bytes\n" || code != 1 {
		t.Errorf("got %q, %d", stderr, code)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestOutputFile(t *testing.T) {
	var answer client.Answer
	address := agent(t, t.TempDir(), func(conn net.Conn) {
		readCall(t, conn)
		sendAnswer(conn, answer)
	})
	inHook(t, address)
	for _, content := range []string{"something long\n", "short\n", ""} {
		answer = client.Answer{OutputFile: "out", Stdout: []byte(content)}
		if stdout, stderr, code := run(noStdin{t}, "config-get"); stdout != "" || stderr != "" || code != 0 {
			t.Errorf("got %q, %q, %d", stdout, stderr, code)
		}
		if written, err := os.ReadFile("out"); err != nil || string(written) != content {
			t.Errorf("the file holds %q, %v, want %q", written, err, content)
		}
	}
	answer = client.Answer{OutputFile: "no/such/dir", Stdout: []byte("x")}
	if _, stderr, code := run(noStdin{t}, "config-get"); stderr != "ERROR cannot write no/such/dir: no such file or directory\n" || code != 1 {
		t.Errorf("got %q, %d", stderr, code)
	}
}

// TestAgentFails covers an agent that ends, or talks nonsense, at every point of a call.
func TestAgentFails(t *testing.T) {
	const ended = "ERROR the unit's agent ended before it answered is-leader\n"
	for _, test := range []struct {
		name  string
		serve func(net.Conn)
		want  string
	}{
		{"at once", func(net.Conn) {}, ended},
		{"after the call", func(conn net.Conn) { client.ReadFrame(conn) }, ended},
		{"within the answer", func(conn net.Conn) {
			client.ReadFrame(conn)
			io.WriteString(conn, "uht1A\x00\x00\x00\x00\x00\x00\x09abc")
		}, ended},
		{"after asking for input", func(conn net.Conn) {
			client.ReadFrame(conn)
			client.WriteFrame(conn, client.KindWantInput, []byte("-"))
		}, ended},
		{"garbage", func(conn net.Conn) {
			client.ReadFrame(conn)
			io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
		}, "ERROR not a hook tool message\n"},
		{"unknown kind", func(conn net.Conn) {
			client.ReadFrame(conn)
			client.WriteFrame(conn, 'Z', nil)
		}, "ERROR not a hook tool message\n"},
		{"bad answer", func(conn net.Conn) {
			client.ReadFrame(conn)
			client.WriteFrame(conn, client.KindAnswer, []byte("\x00\xff\xff\xff\xff"))
		}, "ERROR hook tool message is cut short\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inHook(t, agent(t, t.TempDir(), test.serve))
			stdout, stderr, code := run(strings.NewReader(strings.Repeat("x", 1<<20)), "is-leader")
			if stdout != "" || stderr != test.want || code != 1 {
				t.Errorf("got %q, %q, %d", stdout, stderr, code)
			}
		})
	}
}

// TestEarlyAnswer covers an agent that answers and closes without reading all of a long call.
func TestEarlyAnswer(t *testing.T) {
	address := agent(t, t.TempDir(), func(conn net.Conn) {
		sendAnswer(conn, client.Answer{Code: 1, Stderr: []byte("ERROR bad request: too long\n")})
	})
	inHook(t, address)
	_, stderr, code := run(noStdin{t}, "juju-log", strings.Repeat("x", 8<<20))
	if stderr != "ERROR bad request: too long\n" || code != 1 {
		t.Errorf("got %q, %d", stderr, code)
	}
}

func TestCannotAsk(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone")
	longGone := filepath.Join(t.TempDir(), strings.Repeat("x", 120), "gone")
	for _, test := range []struct {
		name, context, address, network string
		want                            string
	}{
		{"no context", "", gone, "unix", "JUJU_CONTEXT_ID not set"},
		{"no address", "x", "", "unix", "JUJU_AGENT_SOCKET_ADDRESS not set"},
		{"other network", "x", gone, "tcp", `JUJU_AGENT_SOCKET_NETWORK is "tcp", expected "unix"`},
		{"no agent", "x", gone, "", "cannot reach the unit's agent at " + gone + ": no such file or directory"},
		{"no agent far away", "x", longGone, "", "cannot reach the unit's agent at " + longGone + ": no such file or directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("JUJU_CONTEXT_ID", test.context)
			t.Setenv("JUJU_AGENT_SOCKET_ADDRESS", test.address)
			t.Setenv("JUJU_AGENT_SOCKET_NETWORK", test.network)
			stdout, stderr, code := run(noStdin{t}, "juju-log", "--", "--help")
			if stdout != "" || stderr != "ERROR "+test.want+"\n" || code != 1 {
				t.Errorf("got %q, %q, %d", stdout, stderr, code)
			}
			// Help is to be had all the same.
			for _, help := range []string{"--help", "-h"} {
				stdout, stderr, code = run(noStdin{t}, "juju-log", "x", help)
				if stdout != client.Usage("juju-log") || stderr != "" || code != 0 {
					t.Errorf("%s: got %q, %q, %d", help, stdout, stderr, code)
				}
			}
		})
	}
}

func TestArgumentsTooLong(t *testing.T) {
	inHook(t, agent(t, t.TempDir(), func(conn net.Conn) { client.ReadFrame(conn) }))
	_, stderr, code := run(noStdin{t}, "juju-log", strings.Repeat("x", client.MaxPayload))
	if stderr != "ERROR arguments are longer than 16777216 bytes\n" || code != 1 {
		t.Errorf("got %q, %d", stderr, code)
	}
}

func TestNames(t *testing.T) {
	for _, test := range []struct {
		argv           []string
		stdout, stderr string
		code           int
	}{
		{[]string{"hook-tool"}, "", "ERROR no hook tool named: ", 2},
		{nil, "", "ERROR no hook tool named: ", 2},
		{[]string{"hook-tool", "no-such-tool", "--help"}, "", "ERROR unknown hook tool \"no-such-tool\"\n", 2},
		{[]string{"no-such-tool"}, "", "ERROR no hook tool named: ", 2},
		{[]string{"hook-tool", "--help"}, "Usage: TOOL [options]", "", 0},
		{[]string{"hook-tool", "relation-get", "--help"}, "Usage: relation-get", "", 0},
		{[]string{"/x/relation-get", "--help"}, "Usage: relation-get", "", 0},
	} {
		stdout, stderr, code := run(noStdin{t}, test.argv...)
		if !strings.HasPrefix(stdout, test.stdout) || !strings.HasPrefix(stderr, test.stderr) ||
			(stdout == "") != (test.stdout == "") || (stderr == "") != (test.stderr == "") || code != test.code {
			t.Errorf("%q: got %q, %q, %d", test.argv, stdout, stderr, code)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestStdoutFails(t *testing.T) {
	var stderr bytes.Buffer
	code := client.Main([]string{"relation-get", "--help"}, noStdin{t}, brokenPipe{}, &stderr)
	if stderr.String() != "ERROR cannot write to standard output: broken pipe\n" || code != 1 {
		t.Errorf("got %q, %d", stderr.String(), code)
	}
}
