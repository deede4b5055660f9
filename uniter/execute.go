package uniter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/hooktool"
	"github.com/unit-agent/unit-agent/uniter/journal"
	"github.com/unit-agent/unit-agent/uniter/operation"
	"github.com/unit-agent/unit-agent/uniter/runner"
)

// carryOut does what was decided.
func (u *Uniter) carryOut(ctx context.Context, decision Decision) error {
	switch decision.Step {
	case Run:
		return u.runHook(ctx, decision.Hook)
	case Skip:
		return u.skipHook(ctx)
	case Drop:
		return u.dropHook()
	case Forget:
		u.logger.Warn("a relation was taken away by force", "relation", decision.RelationId)
		return u.relations.forget(decision.RelationId)
	case Enter:
		return u.relations.enter(ctx, decision.RelationId, u.ownSettings())
	case Leave:
		return u.relations.leave(ctx, decision.RelationId)
	case Resign:
		return u.resign(ctx)
	case Finish:
		if err := u.config.Model.RemoveDeadUnit(ctx, u.config.Unit); err != nil && !model.IsNotFound(err) {
			return err
		}
		return ErrFinished
	}
	return fmt.Errorf("cannot carry out %q", decision.Step)
}

// resign notes that the unit leads no longer. Juju never ran leader-deposed, and a
// dispatch program may not expect it: so it runs where a charm has a hook of
// that name.
func (u *Uniter) resign(ctx context.Context) error {
	u.logger.Info("the unit leads no longer")
	script := filepath.Join(u.config.Home.CharmDir(), "hooks", string(hooks.LeaderDeposed))
	if _, err := os.Stat(script); err == nil {
		return u.runHook(ctx, hook.Info{Kind: hooks.LeaderDeposed})
	}
	return u.executor.Update(func(s *operation.State) { *s = s.Resign() })
}

// ownSettings is what a unit's bag holds before its charm has written to it.
func (u *Uniter) ownSettings() map[string]string {
	address := u.state.Unit.PrivateAddress
	if address == "" {
		return nil
	}
	bits := "/32"
	if strings.Contains(address, ":") {
		bits = "/128"
	}
	return map[string]string{
		"private-address": address,
		"ingress-address": address,
		"egress-subnets":  address + bits,
	}
}

func (u *Uniter) runHook(ctx context.Context, info hook.Info) error {
	if info.Kind == hooks.LeaderElected {
		if leads, err := u.leads(); err != nil {
			return err
		} else if !leads {
			// Leadership moved on since the decision; the ticket will say so too.
			u.remote.Leader = false
			u.awaitLeadership()
			return nil
		}
	}
	u.stopRetry()
	if err := u.answerResolved(ctx); err != nil {
		return err
	}
	u.status.set(model.StatusInfo{Status: agentExecuting, Message: fmt.Sprintf("running %s hook", u.hookName(info))})
	if err := u.announce(ctx, info.Kind); err != nil {
		return err
	}
	run := operation.Pending{
		Hook:       info,
		Began:      u.config.Clock.Now(),
		ConfigHash: u.remote.ConfigHash,

		LeaderSettings: u.remote.LeaderSettings,
	}
	err := u.executor.Run(ctx, run)
	if errors.Is(err, operation.ErrAgain) {
		u.logger.Warn("a hook has to run again", "hook", u.hookName(info), "reason", err)
		return nil
	}
	var failed *operation.FailedError
	if errors.As(err, &failed) {
		return u.hookFailed(info, failed)
	}
	if err != nil {
		return err
	}
	u.updateStatusRan(info.Kind)
	if info.Kind != hooks.Start {
		return nil
	}
	unit, err := u.config.Model.Unit(ctx, u.config.Unit)
	if err != nil {
		return err
	}
	return u.settle(ctx, unit.Workload)
}

// hookFailed has the unit wait for the hook's next run.
func (u *Uniter) hookFailed(info hook.Info, failed *operation.FailedError) error {
	pending := u.executor.State().Pending
	delay := retryDelay(pending.Failures, jitter())
	u.startTimer(&u.retry, delay)
	u.logger.Error(u.failureMessage(info), "reason", failed.Reason, "failures", pending.Failures, "retry-in", delay.Round(100e6).String())
	return nil
}

func (u *Uniter) failureMessage(info hook.Info) string {
	return FailureMessage(info, u.endpoint(info))
}

// FailureMessage is how a unit in error says which hook failed. endpoint is the
// unit's own endpoint of the hook's relation, if it has one.
func FailureMessage(info hook.Info, endpoint string) string {
	message := fmt.Sprintf("hook failed: %q", info.Name(endpoint))
	switch {
	case info.RemoteUnit != "":
		message += " for " + info.RemoteUnit
	case info.RemoteApplication != "":
		message += " for " + info.RemoteApplication
	}
	return message
}

func (u *Uniter) skipHook(ctx context.Context) error {
	info := *u.pendingHook()
	if err := u.executor.Commit(); err != nil {
		return err
	}
	u.stopRetry()
	entry := u.describe(info)
	entry.Start, entry.Outcome = u.config.Clock.Now(), journal.Skipped
	u.note(entry)
	u.updateStatusRan(info.Kind)
	return u.answerResolved(ctx)
}

// dropHook forgets the pending hook.
func (u *Uniter) dropHook() error {
	if info := *u.pendingHook(); isRelationHook(info.Kind) {
		u.logger.Warn("a relation is gone, and with it a hook", "relation", info.RelationId, "hook", info.Kind)
	} else {
		u.logger.Info("the unit leads no longer, and needs not be told that it was elected")
	}
	u.stopRetry()
	return u.executor.Drop()
}

func (u *Uniter) stopRetry() {
	stopTimer(u.retry)
	u.retry, u.remote.RetryDue = nil, false
}

// updateStatusRan starts the wait for the next update-status hook if that is
// what ran, or was skipped.
func (u *Uniter) updateStatusRan(kind hooks.Kind) {
	if kind == hooks.UpdateStatus {
		u.postponeUpdateStatus(updateStatusDelay(u.config.UpdateStatusInterval, jitter()))
	}
}

func (u *Uniter) postponeUpdateStatus(delay time.Duration) {
	u.remote.UpdateStatusDue = false
	u.startTimer(&u.updateStatus, delay)
}

// answerResolved takes away the mark that an operator set, once it was acted
// upon.
func (u *Uniter) answerResolved(ctx context.Context) error {
	if u.remote.Resolved == model.ResolvedNone {
		return nil
	}
	u.answered = u.state.Unit.ResolvedSince
	u.remote.Resolved = model.ResolvedNone
	return u.config.Model.ClearResolved(ctx, u.config.Unit)
}

// publishWaiting tells that the unit waits: because it has nothing to do, or
// because a hook failed.
func (u *Uniter) publishWaiting() {
	status := model.StatusInfo{Status: agentIdle}
	if pending := u.executor.State().Pending; pending != nil {
		status = model.StatusInfo{
			Status:  agentError,
			Message: u.failureMessage(pending.Hook),
			Data:    u.failureData(pending.Hook),
		}
	}
	u.status.set(status)
	if u.config.Waiting != nil {
		u.config.Waiting()
	}
}

func (u *Uniter) failureData(info hook.Info) map[string]any {
	data := map[string]any{"hook": u.hookName(info)}
	if isRelationHook(info.Kind) {
		data["relation-id"] = info.RelationId
	}
	if info.RemoteUnit != "" {
		data["remote-unit"] = info.RemoteUnit
	}
	return data
}

const installingMessage = "installing charm software"

// announce says in the unit's status what the agent is about to do with it.
func (u *Uniter) announce(ctx context.Context, kind hooks.Kind) error {
	message := map[hooks.Kind]string{
		hooks.Install: installingMessage,
		hooks.Stop:    "stopping charm software",
		hooks.Remove:  "cleaning up prior to charm deletion",
	}[kind]
	if message == "" {
		return nil
	}
	return u.setWorkloadStatus(ctx, model.StatusMaintenance, message)
}

// settle gives a charm that never said how it is the status unknown once it has
// started. workload is its present status.
func (u *Uniter) settle(ctx context.Context, workload model.StatusInfo) error {
	if !u.executor.State().Started || workload.Status != model.StatusMaintenance || workload.Message != installingMessage {
		return nil
	}
	return u.setWorkloadStatus(ctx, model.StatusUnknown, "")
}

func (u *Uniter) setWorkloadStatus(ctx context.Context, status, message string) error {
	return u.config.Model.SetWorkloadStatus(ctx, u.config.Unit, model.StatusInfo{
		Status: status, Message: message, Since: u.config.Clock.Now(),
	})
}

func (u *Uniter) hookName(info hook.Info) string {
	return info.Name(u.endpoint(info))
}

// endpoint is the unit's own endpoint of the hook's relation, or empty.
func (u *Uniter) endpoint(info hook.Info) string {
	if !isRelationHook(info.Kind) {
		return ""
	}
	return u.state.Relations[info.RelationId].Endpoint.Name
}

func (u *Uniter) describe(info hook.Info) journal.Entry {
	return journal.Describe(u.config.Unit, u.hookName(info), u.endpoint(info), info)
}

// note writes an entry into the journal. That is for people: a hook whose entry
// cannot be written has run all the same.
func (u *Uniter) note(entry journal.Entry) {
	if err := u.config.Journal.Append(entry); err != nil {
		u.logger.Error("cannot note that a hook ran", "hook", entry.Hook, "outcome", entry.Outcome, "error", err)
	}
}

// callbacks are the steps of a hook as the operation package wants them.
type callbacks Uniter

// Check refuses a relation hook that would break the order guarantees.
func (c *callbacks) Check(info hook.Info) error {
	if !isRelationHook(info.Kind) {
		return info.Validate()
	}
	return c.relations.check(info)
}

// Commit writes the relation's state.
func (c *callbacks) Commit(info hook.Info) error {
	if !isRelationHook(info.Kind) {
		return nil
	}
	return c.relations.commit(info)
}

// Reflected reports whether the relation's state has the hook's effect already.
func (c *callbacks) Reflected(info hook.Info) (bool, error) {
	if !isRelationHook(info.Kind) {
		return false, nil
	}
	return c.relations.reflected(info)
}

// Execute runs the hook and flushes it.
func (c *callbacks) Execute(ctx context.Context, run operation.Pending) error {
	u := (*Uniter)(c)
	own := u.state.Relations[run.Hook.RelationId]
	if run.Hook.Kind == hooks.RelationBroken && own.Peer {
		// A peer relation ends with its unit; there is no hook for that.
		return nil
	}
	ended := make(chan struct{})
	tools := hooktool.NewContext(u.contextConfig(run.Hook, ended))
	contextId := runner.NewContextID(u.config.Unit, u.hookName(run.Hook))
	deactivate := u.config.Tools.Activate(contextId, tools)
	result, err := runner.Run(ctx, u.invocation(run.Hook, contextId))
	close(ended)
	deactivate()
	u.relations.round.Add(1)
	if err != nil && ctx.Err() != nil {
		return operation.ErrInterrupted
	}
	entry := u.describe(run.Hook)
	entry.Start, entry.Duration, entry.Script = run.Began, result.Duration.Seconds(), result.Script
	if err == nil && !result.Missing && !result.Interrupted && result.Signal == 0 {
		entry.ExitCode = &result.ExitCode
	}
	outcome := u.outcome(ctx, result, err, tools)
	switch {
	case outcome == nil:
		entry.Outcome = journal.Done
	case errors.Is(outcome, operation.ErrInterrupted):
		entry.Outcome, entry.Reason = journal.Interrupted, "the agent was stopped"
	default:
		entry.Outcome, entry.Reason = journal.Failed, outcome.Error()
	}
	u.note(entry)
	return outcome
}

// outcome says how the hook ended; if it succeeded, its changes are written.
func (u *Uniter) outcome(ctx context.Context, result runner.Result, err error, tools *hooktool.Context) error {
	switch {
	case err != nil:
		return &operation.FailedError{Reason: err.Error()}
	case result.Interrupted:
		return operation.ErrInterrupted
	case result.Signal != 0:
		return &operation.FailedError{Reason: "killed by signal: " + result.Signal.String()}
	case result.ExitCode != 0:
		return &operation.FailedError{Reason: fmt.Sprintf("exit status %d", result.ExitCode)}
	}
	return u.flush(ctx, tools)
}

// flushTimeout bounds the write of what a hook changed.
const flushTimeout = 30 * time.Second

// flush writes what the hook buffered, in one transaction. What the store
// refuses is the hook's failure; what it may or may not have taken is not, and
// ends the agent, whose next start runs the hook again.
func (u *Uniter) flush(ctx context.Context, tools *hooktool.Context) error {
	flush := tools.Flush()
	if flush.Empty() {
		return nil
	}
	term := flush.Fence
	flush.Fence = slices.Concat(term, u.config.Claim.Fence())
	// A stop of the agent does not cut the last write of a hook that succeeded.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	err := u.config.Model.Commit(ctx, flush)
	if errors.Is(err, model.ErrFenced) && len(term) > 0 && !u.leadsUnder(term) {
		// It ran as a leader's, and has to run as what the unit is now.
		return fmt.Errorf("%w: leadership was lost while it ran", operation.ErrAgain)
	}
	if errors.Is(err, model.ErrTooLarge) || errors.Is(err, model.ErrFenced) || model.IsNotFound(err) {
		return &operation.FailedError{Reason: "cannot write what the hook changed: " + err.Error()}
	}
	return err
}
