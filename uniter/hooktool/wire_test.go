package hooktool_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/uniter/hooktool/client"
)

// TestGarbage sends what is no call, and finds the server as well as before.
func TestGarbage(t *testing.T) {
	run := begin(t, changed)
	call := frame(client.KindCall, client.Call{ContextID: "wordpress/0-test-1", Tool: "relation-set", Args: []string{"a=b"}}.Payload())
	const badRequest = "ERROR bad request: "
	for _, test := range []struct {
		name, bytes string
		stderr      string // of the answer; empty for no answer
	}{
		{"nothing", "", ""},
		{"text", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", ""},
		{"zeros", string(make([]byte, 1<<16)), ""},
		{"huge length", "uht1C\x00\x00\x00\xff\xff\xff\xff", ""},
		{"greatest length and nothing in it", "uht1C\x00\x00\x00\x01\x00\x00\x00", ""},
		{"half a call", call[:len(call)-3], ""},
		{"input first", frame(client.KindInput, nil), ""},
		{"an answer", frame(client.KindAnswer, client.Answer{}.Payload()), ""},
		{"no fields", frame(client.KindCall, nil), badRequest + "hook tool call lacks its context id or tool\n"},
		{"a field past the end", frame(client.KindCall, []byte("\xff\xff\xff\xffx")), badRequest + "hook tool message is cut short\n"},
		{"no such tool", frame(client.KindCall, client.Call{ContextID: "wordpress/0-test-1", Tool: "../evil"}.Payload()), badRequest + "unknown command \"../evil\"\n"},
		{"empty context id", frame(client.KindCall, client.Call{Tool: "is-leader"}.Payload()), badRequest + "expected context id \"wordpress/0-test-1\", got \"\"\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := exchange(t, run.socket, test.bytes)
			switch {
			case test.stderr == "" && len(got) > 0:
				t.Errorf("answered %q", got)
			case test.stderr != "":
				_, payload, err := client.ReadFrame(bytes.NewReader(got))
				answer, parseErr := client.ParseAnswer(payload)
				if err != nil || parseErr != nil || answer.Code != 1 || string(answer.Stderr) != test.stderr {
					t.Errorf("answered %q", got)
				}
			}
			if got := run.must("relation-get", "port"); got != "3306\n" {
				t.Errorf("afterwards: %q", got)
			}
		})
	}
	if flush := run.flushed(); len(flush.RelationUnit) != 0 {
		t.Errorf("the flush is %+v", flush)
	}
}

func frame(kind client.Kind, payload []byte) string {
	var b bytes.Buffer
	if err := client.WriteFrame(&b, kind, payload); err != nil {
		panic(err)
	}
	return b.String()
}

// exchange sends bytes to the socket and returns all that comes back.
func exchange(t *testing.T, socket, send string) []byte {
	t.Helper()
	conn := dial(t, socket)
	defer conn.Close()
	io.WriteString(conn, send) // may fail: the server need not listen to the end
	conn.CloseWrite()
	got, _ := io.ReadAll(conn)
	return got
}

func dial(t testing.TB, socket string) *net.UnixConn {
	t.Helper()
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestSlowInput makes sure that a call which waits for its standard input keeps no other waiting,
// and does not outlive its hook.
func TestSlowInput(t *testing.T) {
	run := begin(t, changed)
	slow := dial(t, run.socket)
	defer slow.Close()
	call := client.Call{ContextID: "wordpress/0-test-1", Tool: "relation-set", Args: []string{"--file", "-"}}
	if err := client.WriteFrame(slow, client.KindCall, call.Payload()); err != nil {
		t.Fatal(err)
	}
	kind, name, err := client.ReadFrame(slow)
	if err != nil || kind != client.KindWantInput || string(name) != client.Stdin {
		t.Fatalf("got %c, %q, %v", kind, name, err)
	}
	run.must("relation-set", "b=from the quick one")
	run.end()
	kind, payload, err := client.ReadFrame(slow)
	answer, parseErr := client.ParseAnswer(payload)
	if err != nil || kind != client.KindAnswer || parseErr != nil ||
		answer.Code != 1 || string(answer.Stderr) != "ERROR bad request: the hook has ended\n" {
		t.Errorf("the slow call got %c, %+v, %v, %v", kind, answer, err, parseErr)
	}
	if flush := run.context.Flush(); len(flush.RelationUnit[1]) != 1 {
		t.Errorf("the flush is %+v", flush)
	}
}

// TestInputIsNone covers a caller that sends something else than the input that it was asked for.
func TestInputIsNone(t *testing.T) {
	for name, send := range map[string]func(*net.UnixConn){
		"garbage":      func(conn *net.UnixConn) { io.WriteString(conn, "a: b\nc: d\ne: f\n") },
		"a call":       func(conn *net.UnixConn) { client.WriteFrame(conn, client.KindCall, nil) },
		"nothing":      func(conn *net.UnixConn) { conn.CloseWrite() },
		"half a frame": func(conn *net.UnixConn) { io.WriteString(conn, "uht1I"); conn.CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			run := begin(t, changed)
			conn := dial(t, run.socket)
			defer conn.Close()
			call := client.Call{ContextID: "wordpress/0-test-1", Tool: "relation-set", Args: []string{"--file", "-"}}
			client.WriteFrame(conn, client.KindCall, call.Payload())
			client.ReadFrame(conn)
			send(conn)
			_, payload, _ := client.ReadFrame(conn)
			answer, err := client.ParseAnswer(payload)
			if err != nil || answer.Code != 1 || !strings.HasPrefix(string(answer.Stderr), "ERROR cannot get the content of -: ") {
				t.Errorf("got %+v, %v", answer, err)
			}
			if flush := run.flushed(); len(flush.RelationUnit) > 0 {
				t.Errorf("the flush is %+v", flush)
			}
		})
	}
}

// TestInputOfALoop makes sure that a tool leaves a script's standard input alone.
func TestInputOfALoop(t *testing.T) {
	run := begin(t, changed)
	cmd := run.command("hook-tool")
	env := append(cmd.Env, "PATH="+toolsDir+":"+os.Getenv("PATH"))
	script := exec.Command("sh", "-c", "while read key; do relation-set $key=x; relation-get $key wordpress/0; done; relation-set --file=- < in")
	script.Dir, script.Env, script.Stdin = run.dir, env, strings.NewReader("a\nb\nc\n")
	withFile("in", "d: y\n")(run)
	if got := finish(t, script); got != (reply{stdout: "x\nx\nx\n"}) {
		t.Errorf("got %+v", got)
	}
	if got := len(run.flushed().RelationUnit[1]); got != 4 {
		t.Errorf("%d settings are flushed", got)
	}
}

// FuzzServer sends arbitrary bytes, and finds the server as well as before.
func FuzzServer(f *testing.F) {
	run := begin(f, changed)
	call := func(tool string, args ...string) []byte {
		return []byte(frame(client.KindCall, client.Call{ContextID: "wordpress/0-test-1", Tool: tool, Args: args}.Payload()))
	}
	f.Add([]byte("uht1C\x00\x00\x00\xff\xff\xff\xff"))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add(call("relation-get", "-", "mysql/0"))
	f.Add(append(call("relation-set", "--file", "-"), frame(client.KindInput, []byte("a: b"))...))
	f.Add(append(call("relation-set", "--file", "-"), "garbage in place of it"...))
	good := string(call("relation-get", "port"))
	f.Fuzz(func(t *testing.T, data []byte) {
		exchange(t, run.socket, string(data))
		_, payload, err := client.ReadFrame(bytes.NewReader(exchange(t, run.socket, good)))
		answer, parseErr := client.ParseAnswer(payload)
		if err != nil || parseErr != nil || string(answer.Stdout) != "3306\n" {
			t.Errorf("after %q: %+v, %v, %v", data, answer, err, parseErr)
		}
	})
}
