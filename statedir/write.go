package statedir

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/internal/durable"
	"github.com/unit-agent/unit-agent/uniter/hook"
)

// Write makes the effect of hi durable, atomically, and then part of State. It must
// be called after the hook has run.
//
// It does not validate hi, but refuses before touching the disk what could not be
// read back: a name that is not a unit or application name, a negative version, a
// joined of another unit while one is pending; and all but relation-broken
// once that was written. Writing the same hi again changes nothing, so it is
// right to do so when it is not known whether it was written.
func (d *StateDir) Write(hi hook.Info) error {
	if err := d.write(hi); err != nil {
		return fmt.Errorf("cannot write %q for %q to state of relation %d: %w",
			hi.Kind, subject(hi), d.state.RelationId, err)
	}
	return nil
}

func (d *StateDir) write(hi hook.Info) error {
	if err := checkWritable(hi); err != nil {
		return err
	}
	if d.state.broken && hi.Kind != hooks.RelationBroken {
		return errBroken
	}
	if d.leftovers {
		// They do no harm if they stay.
		_ = durable.SweepTemp(d.path)
		d.leftovers = false
	}
	switch hi.Kind {
	case hooks.RelationCreated:
		return d.Ensure()
	case hooks.RelationJoined:
		if other := d.state.ChangedPending; other != "" && other != hi.RemoteUnit {
			return fmt.Errorf(`expected "relation-changed" for %q`, other)
		}
		return d.writeMember(hi.RemoteUnit, record{version: hi.ChangeVersion, pending: true})
	case hooks.RelationChanged:
		if hi.RemoteUnit == "" {
			return d.writeApplication(hi.RemoteApplication, hi.ChangeVersion)
		}
		return d.writeMember(hi.RemoteUnit, record{version: hi.ChangeVersion})
	case hooks.RelationDeparted:
		return d.removeMember(hi.RemoteUnit)
	case hooks.RelationBroken:
		if err := d.Remove(); err != nil {
			return err
		}
		d.state.broken = true
		return nil
	}
	return errors.New("not a relation hook")
}

// checkWritable returns an error if hi has no file that it can be written to.
func checkWritable(hi hook.Info) error {
	if hi.RemoteUnit != "" {
		if _, ok := unitFileName(hi.RemoteUnit); !ok {
			return fmt.Errorf("%q is not a unit name", hi.RemoteUnit)
		}
	}
	if hi.RemoteApplication != "" && !isApplicationName(hi.RemoteApplication) {
		return fmt.Errorf("%q is not an application name", hi.RemoteApplication)
	}
	if hi.ChangeVersion < 0 {
		return fmt.Errorf("negative change version %d", hi.ChangeVersion)
	}
	switch hi.Kind {
	case hooks.RelationJoined, hooks.RelationDeparted:
		if hi.RemoteUnit == "" {
			return errors.New("no remote unit")
		}
	case hooks.RelationChanged:
		if hi.RemoteUnit == "" && hi.RemoteApplication == "" {
			return errors.New("no remote unit or remote application")
		}
	}
	return nil
}

func (d *StateDir) writeMember(unit string, r record) error {
	name, _ := unitFileName(unit)
	if err := d.writeFile(name, r); err != nil {
		return err
	}
	d.state.Members[unit] = r.version
	if r.pending {
		d.state.ChangedPending = unit
	} else if d.state.ChangedPending == unit {
		d.state.ChangedPending = ""
	}
	return nil
}

func (d *StateDir) writeApplication(application string, version int64) error {
	if err := d.writeFile(application+applicationSuffix, record{version: version}); err != nil {
		return err
	}
	d.state.ApplicationMembers[application] = version
	return nil
}

func (d *StateDir) writeFile(name string, r record) error {
	if !d.ensured {
		if err := d.Ensure(); err != nil {
			return err
		}
	}
	return durable.WriteFile(filepath.Join(d.path, name), r.encode(), filePerm)
}

func (d *StateDir) removeMember(unit string) error {
	name, _ := unitFileName(unit)
	if err := durable.Remove(filepath.Join(d.path, name)); err != nil {
		return err
	}
	delete(d.state.Members, unit)
	if d.state.ChangedPending == unit {
		d.state.ChangedPending = ""
	}
	return nil
}
