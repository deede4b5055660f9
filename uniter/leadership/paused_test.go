package leadership_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/juju/clock"
	"golang.org/x/sys/unix"

	"github.com/unit-agent/unit-agent/uniter/leadership"
)

// pausedProcessEnv makes the test binary the process that TestPausedProcess pauses.
const pausedProcessEnv = "UNIT_AGENT_TEST_PAUSED_PROCESS"

const (
	pausedDuration = time.Second
	pausedLease    = 2 * pausedDuration
)

// After a pause longer than the lease (SIGSTOP) no ticket says true before a fresh claim.
func TestPausedProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("pauses a process for longer than a lease")
	}
	t.Parallel()
	p := startPausedProcess(t)
	p.say("hold") // from now on its claims hang; its leadership is good for a while
	p.want("held claim=true leader=true minion=open")

	if err := p.cmd.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(p.cmd.Process.Pid, &status, unix.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("process not stopped: status %#x, error %v", status, err)
	}
	p.say("ask") // it finds the question when it wakes
	time.Sleep(pausedLease + pausedLease/4)
	if err := p.cmd.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p.want("claim=false leader=false minion=true asked=false liars=0")

	p.say("grant")
	p.want("leader=true liars=0")
}

type pausedProcess struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.Writer
	stdout *bufio.Reader
}

func startPausedProcess(t *testing.T) *pausedProcess {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), pausedProcessEnv+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	hung := time.AfterFunc(watchdog, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		hung.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &pausedProcess{t: t, cmd: cmd, stdin: stdin, stdout: bufio.NewReader(stdout)}
}

func (p *pausedProcess) say(line string) {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.stdin, line); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pausedProcess) want(want string) {
	p.t.Helper()
	got, err := p.stdout.ReadString('\n')
	if err != nil || got != want+"\n" {
		p.t.Fatalf("got %q (error %v), want %q", got, err, want)
	}
}

// gatedClaimer grants every claim, but while the gate is shut it does not answer.
type gatedClaimer struct {
	gate    atomic.Pointer[chan struct{}]
	granted atomic.Pointer[time.Time] // when the claim was sent that was granted last
}

func (c *gatedClaimer) ClaimLeadership(string, string, time.Duration) error {
	sent := time.Now()
	<-*c.gate.Load()
	c.granted.Store(&sent)
	return nil
}

func (c *gatedClaimer) BlockUntilLeadershipReleased(string) error { select {} }

// shut returns what opens the gate again.
func (c *gatedClaimer) shut() (open func()) {
	gate := make(chan struct{})
	c.gate.Store(&gate)
	return sync.OnceFunc(func() { close(gate) })
}

// pausedProcessMain is what TestPausedProcess pauses. It does as it is told on standard input.
func pausedProcessMain() {
	claimer := &gatedClaimer{}
	open := claimer.shut()
	open()
	tracker := leadership.NewTracker(unit, claimer, clock.WallClock, pausedDuration)
	var liars atomic.Int64
	for range 4 {
		go ask(tracker, claimer, &liars)
	}

	var claim, leader, minion leadership.Ticket
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		switch lines.Text() {
		case "hold":
			for claim == nil || !claim.Wait() || !leader.Wait() {
				open()
				leader, minion, claim = tracker.WaitLeader(), tracker.WaitMinion(), tracker.ClaimLeader()
				leader.Wait()
				open = claimer.shut()
			}
			state := "open"
			select {
			case <-minion.Ready():
				state = "answered"
			default:
			}
			fmt.Printf("held claim=%v leader=%v minion=%s\n", claim.Wait(), leader.Wait(), state)
		case "ask":
			asked := tracker.ClaimLeader()
			fmt.Printf("claim=%v leader=%v minion=%v asked=%v liars=%d\n",
				claim.Wait(), leader.Wait(), minion.Wait(), asked.Wait(), liars.Load())
		case "grant":
			open()
			fmt.Printf("leader=%v liars=%d\n", tracker.WaitLeader().Wait(), liars.Load())
		}
	}
}

// ask goes on asking, with new and old tickets, and counts the answers that say true though no claim that was granted
// was sent less than a lease before the question.
func ask(tracker leadership.Tracker, claimer *gatedClaimer, liars *atomic.Int64) {
	old := tracker.ClaimLeader()
	for i := 0; ; i++ {
		fresh := tracker.ClaimLeader()
		for _, ticket := range []leadership.Ticket{old, fresh} {
			asked := time.Now()
			if ticket.Wait() && asked.Sub(*claimer.granted.Load()) >= pausedLease {
				liars.Add(1)
			}
		}
		if i%1000 == 0 {
			old = fresh
			time.Sleep(time.Millisecond)
		}
	}
}
