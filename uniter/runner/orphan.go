package runner

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// Process identifies a hook's process for as long as the machine is up, also
// after its id has been given to another.
type Process struct {
	// PID is the process's id, and its process group's.
	PID int `json:"pid" yaml:"pid"`

	// StartTime is when it started, in clock ticks since the machine did; 0 if
	// the system does not say.
	StartTime uint64 `json:"start-time" yaml:"start-time"`

	// BootID names the time from one start of the machine to the next.
	BootID string `json:"boot-id" yaml:"boot-id"`

	// ContextID is the hook's JUJU_CONTEXT_ID. Its children have it too, by
	// which they are known when the process itself is gone.
	ContextID string `json:"context-id,omitempty" yaml:"context-id,omitempty"`
}

// contextVariable is in the environment of a hook and, unless they drop it, of
// all its children.
const contextVariable = "JUJU_CONTEXT_ID="

// identify returns what is needed to know the process again. The process must
// not have been reaped yet.
func identify(pid int, env []string) Process {
	p := Process{PID: pid, BootID: bootID()}
	if stat, err := readStat(pid); err == nil {
		p.StartTime = stat.start
	}
	for _, variable := range env {
		if id, ok := strings.CutPrefix(variable, contextVariable); ok {
			p.ContextID = id
		}
	}
	return p
}

// orphanWait bounds how long EndOrphan waits for killed processes to be gone.
// They are gone at once, but for one that hangs in the kernel.
const orphanWait = 10 * time.Second

// EndOrphan ends what a hook left whose agent died: it kills the process group
// of p and returns when no process of it runs any more. It does nothing if
// there is no such group, if the machine was started anew since, or if the
// group is not known for certain to be that hook's: its leader must have the
// recorded start time, or, if the leader is gone, another member the recorded
// context id. The zero Process is nobody's.
//
// It is for a process that this one did not start. An error says that something
// may still be running.
func EndOrphan(p Process) error {
	if p == (Process{}) {
		return nil
	}
	if p.PID <= 1 {
		return fmt.Errorf("cannot end the process of an interrupted hook: %d is not its id", p.PID)
	}
	if p.BootID != bootID() || p.PID == syscall.Getpgrp() {
		return nil
	}
	if err := p.endGroup(); err != nil {
		return fmt.Errorf("cannot end process group %d of an interrupted hook: %w: end it before its unit goes on", p.PID, err)
	}
	return nil
}

func (p Process) endGroup() error {
	if ours, err := p.isOurs(); err != nil || !ours {
		return err
	}
	pause := time.Millisecond
	for begin := time.Now(); ; {
		// Each time, for one that was being forked while the others were
		// killed.
		if err := syscall.Kill(-p.PID, syscall.SIGKILL); errors.Is(err, syscall.ESRCH) {
			return nil
		} else if err != nil {
			return os.NewSyscallError("kill", err)
		}
		// Dead members may wait long for a parent that takes notice.
		members, err := livingMembers(p.PID)
		if err != nil || len(members) == 0 {
			return err
		}
		if time.Since(begin) > orphanWait {
			return fmt.Errorf("processes %v do not end", members)
		}
		time.Sleep(pause)
		pause = min(2*pause, 100*time.Millisecond)
	}
}

// isOurs reports whether there is a group with the id of p that is p's.
func (p Process) isOurs() (bool, error) {
	leader, err := readStat(p.PID)
	if err == nil {
		// An id is not given away while it is a group's: another process under
		// it means that the group is gone.
		return leader.start == p.StartTime, nil
	}
	if !isGone(err) {
		return false, err
	}
	if p.ContextID == "" || errors.Is(syscall.Kill(-p.PID, 0), syscall.ESRCH) {
		return false, nil
	}
	members, err := livingMembers(p.PID)
	if err != nil {
		return false, err
	}
	for _, pid := range members {
		if hasVariable(pid, contextVariable+p.ContextID) {
			return true, nil
		}
	}
	return false, nil
}
