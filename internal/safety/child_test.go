package safety

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// The test binary becomes a member or an agent when these are in its environment.
const (
	roleEnv   = "UNIT_AGENT_TEST_SAFETY_ROLE"
	configEnv = "UNIT_AGENT_TEST_SAFETY_CONFIG"
)

// roles are what a child process can be.
var roles = map[string]func(config string) error{
	"agent":  agentMain,
	"member": memberMain,
}

// child is a process that this one started. It ends when its standard input does.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Scanner
}

func startChild(role string, config any) (*child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), roleEnv+"="+role, configEnv+"="+string(encoded))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &child{cmd: cmd, stdin: stdin, lines: bufio.NewScanner(stdout)}, nil
}

// hear reads one line of words that the child says.
func (c *child) hear() ([]string, error) {
	if !c.lines.Scan() {
		return nil, fmt.Errorf("child said nothing: %v", c.lines.Err())
	}
	return strings.Fields(c.lines.Text()), nil
}

func (c *child) pause() error  { return c.cmd.Process.Signal(unix.SIGSTOP) }
func (c *child) resume() error { return c.cmd.Process.Signal(unix.SIGCONT) }

// kill returns an error if the child had ended before.
func (c *child) kill() error {
	_ = c.cmd.Process.Kill()
	err := c.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && !exit.Exited() {
		return nil
	}
	return fmt.Errorf("child had ended before it was killed: %v", err)
}

// stop asks the child to end and waits until it has, without an error if it likes what it sees.
func (c *child) stop() error {
	_ = c.stdin.Close()
	return c.cmd.Wait()
}

// untilStdinEnds is how a child knows that it is to stop.
func untilStdinEnds() <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	return ended
}
