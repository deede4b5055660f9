package runner

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// bootID returns the kernel's name for the time since the machine started, ""
// if it has none.
var bootID = sync.OnceValue(func() string {
	data, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(data))
})

// stat is what we need of /proc/<pid>/stat.
type stat struct {
	state byte // 'Z' and 'X' are dead
	group int
	start uint64 // in clock ticks since the machine started
}

func readStat(pid int) (stat, error) {
	path := fmt.Sprintf("/proc/%d/stat", pid)
	data, err := os.ReadFile(path)
	if err != nil {
		return stat{}, err
	}
	s, err := parseStat(data)
	if err != nil {
		return stat{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// parseStat reads the fields as proc(5) numbers them. The second is the
// program's name in parentheses, which may hold anything, so the rest is
// counted from the last parenthesis.
func parseStat(data []byte) (stat, error) {
	end := bytes.LastIndexByte(data, ')')
	fields := bytes.Fields(data[end+1:])
	if end < 0 || len(fields) < 20 || len(fields[0]) != 1 {
		return stat{}, errors.New("not in the form that is known")
	}
	field := func(n int) string { return string(fields[n-3]) }
	group, err := strconv.Atoi(field(5))
	if err != nil {
		return stat{}, err
	}
	start, err := strconv.ParseUint(field(22), 10, 64)
	if err != nil {
		return stat{}, err
	}
	return stat{state: fields[0][0], group: group, start: start}, nil
}

// isGone reports whether an error from /proc/<pid> means that there is no such
// process.
func isGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

// livingMembers returns the ids of the processes in a group that have not
// exited.
func livingMembers(group int) ([]int, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var members []int
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		s, err := readStat(pid)
		if err != nil && !isGone(err) {
			return nil, err
		}
		if err == nil && s.group == group && s.state != 'Z' && s.state != 'X' {
			members = append(members, pid)
		}
	}
	return members, nil
}

// hasVariable reports whether a process was started with the variable,
// "NAME=value", in its environment. It is false for a process that we may not
// look into.
func hasVariable(pid int, variable string) bool {
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return false
	}
	for one := range bytes.SplitSeq(environ, []byte{0}) {
		if string(one) == variable {
			return true
		}
	}
	return false
}
