package hooktool_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/uniter/hooktool/client"
)

// BenchmarkToolBesideEmptyProgram measures a whole call of a hook tool, from its start as a
// process to its end, beside the same of a Go program that does nothing. They take turns, so that
// what else the machine does weighs on both.
func BenchmarkToolBesideEmptyProgram(b *testing.B) {
	empty := buildEmptyProgram(b)
	run := begin(b, changed)
	start := func(make func() *exec.Cmd) time.Duration {
		cmd := make()
		began := time.Now()
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
		return time.Since(began)
	}
	var floor, tool time.Duration
	for b.Loop() {
		floor += start(func() *exec.Cmd { return exec.Command(empty) })
		tool += start(func() *exec.Cmd { return run.command("relation-get", "--format=json", "-", "mysql/0") })
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(floor.Microseconds())/float64(b.N), "µs/empty-program")
	b.ReportMetric(float64(tool.Microseconds())/float64(b.N), "µs/call")
	b.ReportMetric(float64(tool)/float64(floor), "ratio")
}

func buildEmptyProgram(b *testing.B) string {
	dir := b.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "empty")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", program, source).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return program
}

// BenchmarkServer measures the agent's part of a call: a connection, a call, an answer.
func BenchmarkServer(b *testing.B) {
	run := begin(b, changed)
	call := client.Call{ContextID: "wordpress/0-test-1", Tool: "relation-get", Args: []string{"--format=json", "-", "mysql/0"}}.Payload()
	b.ReportAllocs()
	for b.Loop() {
		conn := dial(b, run.socket)
		if err := client.WriteFrame(conn, client.KindCall, call); err != nil {
			b.Fatal(err)
		}
		if kind, _, err := client.ReadFrame(conn); err != nil || kind != client.KindAnswer {
			b.Fatalf("kind %c, %v", kind, err)
		}
		conn.Close()
	}
}
