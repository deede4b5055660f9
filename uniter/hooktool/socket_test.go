package hooktool_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/uniter/hooktool"
)

func TestSocketFile(t *testing.T) {
	deep := filepath.Join(t.TempDir(), strings.Repeat("d", 120), strings.Repeat("e", 120))
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{t.TempDir(), deep} {
		path := filepath.Join(dir, "agent.sock")
		for range 2 { // the second takes the place of the first
			server := newServer(t, path)
			info, err := os.Lstat(path)
			if err != nil || info.Mode() != fs.ModeSocket|0o600 {
				t.Fatalf("the socket is %v, %v", info, err)
			}
			run := begin(t, configChanged)
			run.socket = path
			defer server.Activate("wordpress/0-test-1", run.context)()
			run.must("is-leader")
		}
	}
}

// TestSocketIsRemoved makes sure that a server takes away its own socket, and no other's.
func TestSocketIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.sock")
	first, second := newServer(t, path), newServer(t, path)
	first.Kill()
	if err := first.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the second server's socket: %v", err)
	}
	second.Kill()
	if err := second.Wait(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestStaleSocket(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"agent.sock", "agent.sock.new"} { // as a kill at any moment leaves them
		listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, name), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		listener.SetUnlinkOnClose(false)
		listener.Close()
	}
	newServer(t, filepath.Join(dir, "agent.sock"))
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("in the directory: %v", entries)
	}
}

func TestNewServerErrors(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		precious:                         "cannot listen on " + precious + ": there is a file that is not a socket",
		filepath.Join(dir, "no", "sock"): "no such file or directory",
		filepath.Join(dir, strings.Repeat("n", 120)): "invalid argument",
	} {
		server, err := hooktool.NewServer(path, nil)
		if err == nil {
			server.Kill()
			server.Wait()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if content, err := os.ReadFile(precious); string(content) != "data" {
		t.Errorf("the file holds %q, %v", content, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}
