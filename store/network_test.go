package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// openFiles returns what the file descriptors of a process refer to.
func openFiles(t *testing.T, pid int) []string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	fds, err := os.ReadDir(dir)
	if err != nil {
		t.Skipf("cannot see open files: %v", err)
	}
	var links []string
	for _, fd := range fds {
		if link, err := os.Readlink(filepath.Join(dir, fd.Name())); err == nil {
			links = append(links, link)
		}
	}
	return links
}

// sockets returns the lines of a table in /proc/net that are about sockets of the process.
func sockets(t *testing.T, pid int, table string) []string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
	if os.IsNotExist(err) {
		return nil // no such protocol here
	}
	if err != nil {
		t.Skipf("cannot see sockets: %v", err)
	}
	var own []string
	for _, link := range openFiles(t, pid) {
		inode, ok := strings.CutPrefix(link, "socket:[")
		if !ok {
			continue
		}
		inode = strings.TrimSuffix(inode, "]")
		for _, line := range strings.Split(string(b), "\n") {
			for _, field := range strings.Fields(line) {
				if field == inode {
					own = append(own, line)
				}
			}
		}
	}
	return own
}

func TestNothingOnTheNetwork(t *testing.T) {
	p := startProcess(t, t.TempDir())
	p.expect("serving")
	p.ask("put k v", "ok")
	pid := p.cmd.Process.Pid
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet"} {
		if own := sockets(t, pid, table); len(own) > 0 {
			t.Errorf("the process has %s sockets:\n%s", table, strings.Join(own, "\n"))
		}
	}
	// The test would find them if there were any: the one it should have is there.
	listening := 0
	for _, line := range sockets(t, pid, "unix") {
		if strings.HasSuffix(line, "/client.sock") && strings.Fields(line)[3] == "00010000" {
			listening++
		}
	}
	if listening != 1 {
		t.Errorf("the process listens on %d client sockets, want 1", listening)
	}
}
