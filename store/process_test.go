package store_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/store"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// watchdog bounds each wait, so that a test fails rather than hangs.
const watchdog = time.Minute

// processEnv makes the test binary a process that opens the directory named by its value.
const processEnv = "STORE_TEST_PROCESS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(processEnv); dir != "" {
		os.Exit(runProcess(dir))
	}
	os.Exit(m.Run())
}

// runProcess opens dir, reports "serving", "using" or "error ...", and then obeys lines on its
// standard input until that ends.
func runProcess(dir string) int {
	if size := os.Getenv("STORE_TEST_TMPFS"); size != "" {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
			fmt.Println("cannot mount:", err)
			return 1
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	defer cancel()
	s, err := store.Open(ctx, store.Config{
		Dir:     dir,
		Standby: os.Getenv("STORE_TEST_STANDBY") != "",
		Logger:  slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	fmt.Println(role(s))
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		switch args := strings.Fields(commands.Text()); args[0] {
		case "put":
			if _, err := s.Client().Put(ctx, args[1], args[2]); err != nil {
				fmt.Println("error", err)
				continue
			}
			fmt.Println("ok")
		case "load":
			if err := load(ctx, s); err != nil {
				fmt.Println("error", err)
				continue
			}
			fmt.Println("ok")
		case "fill":
			fillDisk()
			fmt.Println("ok")
		case "wait":
			fmt.Println("ended", s.Wait())
		case "role":
			fmt.Println(role(s))
		case "stop":
			s.Kill()
			if err := s.Wait(); err != nil {
				fmt.Println("error", err)
				return 1
			}
			fmt.Println("stopped")
			return 0
		}
	}
	return 0 // as abruptly as a kill
}

// What load writes: more entries than etcd takes to a snapshot, and more bytes than fit one file
// of its log.
const (
	loadSmall = 2500
	loadLarge = 24
	largeSize = 1 << 20
)

func load(ctx context.Context, s *store.Store) error {
	var writers errgroup.Group
	writers.SetLimit(64)
	for i := range loadSmall + loadLarge {
		size := 10
		if i >= loadSmall {
			size = largeSize
		}
		writers.Go(func() error {
			_, err := s.Client().Put(ctx, fmt.Sprintf("load/%d", i), strings.Repeat("v", size))
			return err
		})
	}
	return writers.Wait()
}

// fillDisk makes each write to etcd's log fail as on a full disk.
func fillDisk() {
	full, err := unix.Open("/dev/full", unix.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	for _, fd := range fds {
		if link, _ := os.Readlink("/proc/self/fd/" + fd.Name()); !strings.HasSuffix(link, ".wal") {
			continue
		}
		n, _ := strconv.Atoi(fd.Name())
		if err := unix.Dup3(full, n, unix.O_CLOEXEC); err != nil {
			panic(err)
		}
	}
}

func role(s *store.Store) string {
	if s.Serving() {
		return "serving"
	}
	return "using"
}

// process is a running test binary that has dir open.
type process struct {
	t     testing.TB
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Reader
	log   bytes.Buffer // complete after end
	ended bool
}

func startProcess(t testing.TB, dir string, env ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(append(os.Environ(), processEnv+"="+dir), env...)
	p.cmd.Stderr = &p.log
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !p.ended {
			p.kill()
		}
	})
	return p
}

// standby starts a process that takes over when it can.
func standby(t testing.TB, dir string) *process {
	t.Helper()
	return startProcess(t, dir, "STORE_TEST_STANDBY=1")
}

// read returns the next line that the process prints, "" at its end.
func (p *process) read() string {
	p.t.Helper()
	line := make(chan string, 1)
	go func() {
		s, _ := p.lines.ReadString('\n')
		line <- strings.TrimSpace(s)
	}()
	select {
	case s := <-line:
		return s
	case <-time.After(watchdog):
		p.t.Fatal("process says nothing")
		return ""
	}
}

func (p *process) expect(want string) {
	p.t.Helper()
	if got := p.read(); got != want {
		p.kill()
		p.t.Fatalf("process said %q, want %q\n%s", got, want, p.log.String())
	}
}

func (p *process) say(command string) {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.in, command); err != nil {
		p.t.Fatal(err)
	}
}

// ask sends a command and checks the answer.
func (p *process) ask(command, want string) {
	p.t.Helper()
	p.say(command)
	p.expect(want)
}

// kill ends the process with SIGKILL and waits until it is gone.
func (p *process) kill() {
	p.cmd.Process.Signal(syscall.SIGKILL)
	p.end()
}

// stop ends the process cleanly.
func (p *process) stop() {
	p.t.Helper()
	p.ask("stop", "stopped")
	p.end()
}

func (p *process) end() {
	p.ended = true
	p.cmd.Wait()
}
