package hooktool

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/juju/names/v4"

	"github.com/unit-agent/unit-agent/model"
)

// portBuffer is a unit's open ports, with what its hook has changed.
type portBuffer struct {
	unit      string
	endpoints []string                     // of the charm
	others    map[string][]model.PortRange // on the same machine, by unit
	before    []model.PortRange
	now       []model.PortRange
}

// portsBuffer returns the hook's port buffer. The first time it reads what is open.
func (c *Context) portsBuffer(ctx context.Context) (*portBuffer, error) {
	if c.ports != nil {
		return c.ports, nil
	}
	unit, err := c.config.View.Unit(ctx, c.config.Unit)
	if err != nil {
		return nil, fmt.Errorf("cannot read open ports of unit %s: %w", c.config.Unit, err)
	}
	others := make(map[string][]model.PortRange)
	if unit.Machine != "" {
		all, err := c.config.View.OpenPortsOnMachine(ctx, unit.Machine)
		if err != nil {
			return nil, fmt.Errorf("cannot read open ports of machine %s: %w", unit.Machine, err)
		}
		maps.Copy(others, all)
		delete(others, c.config.Unit)
	}
	c.ports = &portBuffer{
		unit:      c.config.Unit,
		endpoints: c.config.Endpoints,
		others:    others,
		before:    unit.Ports,
		now:       model.ApplyPorts(unit.Ports, nil, nil, c.config.Endpoints),
	}
	return c.ports, nil
}

func (b *portBuffer) open(ports model.PortRange) error {
	if err := b.check(ports); err != nil {
		return fmt.Errorf("cannot open %s (unit %q): %w", ports, b.unit, err)
	}
	b.now = model.ApplyPorts(b.now, []model.PortRange{ports}, nil, b.endpoints)
	return nil
}

func (b *portBuffer) close(ports model.PortRange) error {
	if err := b.checkEndpoints(ports); err != nil {
		return fmt.Errorf("cannot close %s (unit %q): %w", ports, b.unit, err)
	}
	b.now = model.ApplyPorts(b.now, nil, []model.PortRange{ports}, b.endpoints)
	return nil
}

func (b *portBuffer) check(ports model.PortRange) error {
	if err := b.checkEndpoints(ports); err != nil {
		return err
	}
	for _, open := range b.now {
		if overlap(ports, open) && !ports.SameRange(open) {
			return conflict(b.unit, open)
		}
	}
	for _, unit := range slices.Sorted(maps.Keys(b.others)) {
		for _, open := range b.others[unit] {
			// Units of one application all open the same range. A model of
			// one machine must not keep an application from having two.
			if ports.SameRange(open) && sameApplication(unit, b.unit) {
				continue
			}
			if overlap(ports, open) {
				return conflict(unit, open)
			}
		}
	}
	return nil
}

func sameApplication(unit, other string) bool {
	application, _ := names.UnitApplication(unit)
	otherApplication, _ := names.UnitApplication(other)
	return application == otherApplication
}

func (b *portBuffer) checkEndpoints(ports model.PortRange) error {
	for _, name := range ports.Endpoints {
		if len(b.endpoints) > 0 && !slices.Contains(b.endpoints, name) {
			return fmt.Errorf("the charm has no endpoint %q", name)
		}
	}
	return nil
}

func conflict(unit string, open model.PortRange) error {
	return fmt.Errorf("port range conflicts with %s (unit %q)", open, unit)
}

// difference returns what to close and then to open to get from what was to what is.
func (b *portBuffer) difference() (opened, closed []model.PortRange) {
	for _, was := range b.before {
		if !slices.ContainsFunc(b.now, func(is model.PortRange) bool { return samePorts(was, is) }) {
			was.Endpoints = nil
			closed = append(closed, was)
		}
	}
	for _, is := range b.now {
		if !slices.ContainsFunc(b.before, func(was model.PortRange) bool { return samePorts(was, is) }) {
			opened = append(opened, is)
		}
	}
	return opened, closed
}

// overlap says whether two ranges have a port in common. Any number of units may
// answer icmp, which has none.
func overlap(a, b model.PortRange) bool { return a.Protocol != "icmp" && a.Overlaps(b) }

func samePorts(a, b model.PortRange) bool {
	return a.SameRange(b) && slices.Equal(a.Endpoints, b.Endpoints)
}
