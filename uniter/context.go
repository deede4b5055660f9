package uniter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/hooktool"
	"github.com/unit-agent/unit-agent/uniter/leadership"
	"github.com/unit-agent/unit-agent/uniter/runner"
)

// contextConfig says what hook tools see during the hook, until ended is closed.
func (u *Uniter) contextConfig(info hook.Info, ended <-chan struct{}) hooktool.ContextConfig {
	return hooktool.ContextConfig{
		Unit:        u.config.Unit,
		Hook:        info,
		Endpoint:    u.endpoint(info),
		Relations:   u.state.Relations,
		Members:     u.relations.members,
		Endpoints:   u.endpoints,
		Config:      u.state.Config,
		ConfigAll:   u.state.ConfigAll,
		View:        u.config.Model.View(u.config.Unit),
		Model:       u.config.Model,
		IsLeader:    func() (bool, error) { return u.isLeader(ended) },
		LeaderFence: u.leaderFence,
		Log:         u.logTool,
		Clock:       u.config.Clock,
	}
}

// members returns the units of a relation that the charm knows to be there.
func (rs *unitRelations) members(id int) (units []string, known bool) {
	r, ok := rs.byId[id]
	if !ok || !r.created {
		return nil, false
	}
	return slices.Sorted(maps.Keys(r.state.State().Members)), true
}

// isLeader answers a hook tool. The answer may take as long as a claim does, and
// is not waited for once the hook has ended.
func (u *Uniter) isLeader(ended <-chan struct{}) (bool, error) {
	ticket := u.config.Leadership.ClaimLeader()
	select {
	case <-ended:
		return false, errors.New("the hook has ended")
	case <-ticket.Ready():
		return ticket.Wait(), nil
	}
}

func (u *Uniter) leaderToken() leadership.Token {
	return u.config.LeadershipChecker.LeadershipCheck(u.config.Leadership.ApplicationName(), u.config.Unit)
}

func (u *Uniter) leaderFence() ([]clientv3.Cmp, error) {
	var fence []clientv3.Cmp
	if err := u.leaderToken().Check(&fence); err != nil {
		return nil, err
	}
	return fence, nil
}

// leadsUnder tells whether the unit still leads in the term that the fence is of.
func (u *Uniter) leadsUnder(term []clientv3.Cmp) bool {
	now, err := u.leaderFence()
	return err == nil && reflect.DeepEqual(now, term)
}

// fencingNumber is the number that a resource outside the model can check; empty
// if the unit does not lead.
func (u *Uniter) fencingNumber() string {
	if !u.remote.Leader {
		return ""
	}
	var number int64
	if err := u.leaderToken().Check(&number); err != nil {
		return ""
	}
	return strconv.FormatInt(number, 10)
}

func (u *Uniter) logTool(level slog.Level, module, message string) {
	u.config.Logger.Log(context.Background(), level, message, "module", module)
}

// invocation says how the hook's process is run.
func (u *Uniter) invocation(info hook.Info, contextId string) runner.Invocation {
	home := u.config.Home
	name := u.hookName(info)
	env := runner.Environment(runner.EnvConfig{
		ToolsDir:          home.ToolsDir(),
		Path:              os.Getenv("PATH"),
		CharmDir:          home.CharmDir(),
		ContextID:         contextId,
		SocketPath:        home.Socket(),
		Unit:              u.config.Unit,
		Principal:         u.state.Unit.Principal,
		ModelName:         u.config.Model.Name(),
		ModelUUID:         u.config.Model.UUID(),
		Machine:           u.config.Machine,
		Hook:              info,
		Endpoint:          u.endpoint(info),
		RemoteApplication: u.state.Relations[info.RelationId].Remote.Application,
		LeaderToken:       u.fencingNumber(),
	})
	return runner.Invocation{
		CharmDir:    home.CharmDir(),
		Hook:        name,
		Env:         env,
		Output:      u.logOutput(name),
		OnStart:     u.rememberProcess,
		StopTimeout: u.config.StopTimeout,
	}
}

// logOutput logs a hook's output: what it says on standard output is detail,
// what it says on standard error somebody should see.
func (u *Uniter) logOutput(name string) func(runner.Stream, []byte) {
	module := fmt.Sprintf("unit.%s.%s", u.config.Unit, name)
	return func(stream runner.Stream, line []byte) {
		level := slog.LevelDebug
		if stream == runner.Stderr {
			level = slog.LevelWarn
		}
		u.logTool(level, module, string(line))
	}
}

// rememberProcess notes the process of a hook, for the next agent to end it if
// this one is killed. The note need not survive the machine, since the process
// does not; so it is not synced.
func (u *Uniter) rememberProcess(process runner.Process) {
	data, err := json.Marshal(process)
	if err == nil {
		err = os.WriteFile(u.config.Home.ProcessFile(), data, 0o600)
	}
	if err != nil {
		u.logger.Warn("cannot note a hook's process", "error", err)
	}
}

// endOrphan ends what is left of the hook that an earlier agent ran. A note that
// was cut short names nobody: its hook was ended with its agent.
func (u *Uniter) endOrphan() error {
	data, err := os.ReadFile(u.config.Home.ProcessFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the note of a hook's process: %w", err)
	}
	var process runner.Process
	if err := json.Unmarshal(data, &process); err != nil {
		return nil
	}
	return runner.EndOrphan(process)
}
