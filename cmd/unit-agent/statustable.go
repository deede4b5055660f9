package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter/runner"
)

// printStatus prints a snapshot in the sections that juju has.
func printStatus(w io.Writer, snapshot *model.Snapshot, relations bool) error {
	tables := []*table{modelTable(snapshot)}
	if len(snapshot.Applications) > 0 {
		tables = append(tables, applicationTable(snapshot))
	}
	if len(snapshot.Units) > 0 {
		tables = append(tables, unitTable(snapshot))
	}
	if len(snapshot.Machines) > 0 {
		tables = append(tables, machineTable(snapshot))
	}
	if relations && len(snapshot.Relations) > 0 {
		tables = append(tables, relationTable(snapshot))
	}
	for i, t := range tables {
		if i > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		if err := t.print(w); err != nil {
			return err
		}
	}
	if len(snapshot.Applications) == 0 {
		_, err := fmt.Fprintf(w, "\nModel %q is empty: add an application with 'unit-agent deploy CHARM'.\n", snapshot.Name)
		return err
	}
	return nil
}

func modelTable(snapshot *model.Snapshot) *table {
	t := newTable("Model", "Controller", "Cloud/Region", "Version", "Timestamp")
	t.add(snapshot.Name, "unit-agent", "local", runner.JujuVersion, snapshot.Time.Local().Format("15:04:05Z07:00"))
	return t
}

func applicationTable(snapshot *model.Snapshot) *table {
	t := newTable("App", "Version", "Status", "Scale", "Charm", "Rev", "Exposed", "Message")
	t.right = map[int]bool{3: true, 5: true}
	t.spare = []int{6, 5, 4}
	for _, name := range slices.Sorted(maps.Keys(snapshot.Applications)) {
		application := snapshot.Applications[name]
		exposed := "no"
		if application.Exposed {
			exposed = "yes"
		}
		status := application.Status.Status
		t.addCells(
			cell{text: name},
			cell{text: application.WorkloadVersion},
			cell{status, statusColour(status)},
			cell{text: strconv.Itoa(len(snapshot.UnitsOf(name)))},
			cell{text: application.Charm.Name},
			cell{text: strconv.Itoa(application.Charm.Revision)},
			cell{text: exposed},
			cell{text: application.Status.Message},
		)
	}
	return t
}

func unitTable(snapshot *model.Snapshot) *table {
	t := newTable("Unit", "Workload", "Agent", "Machine", "Public address", "Ports", "Message")
	t.spare = []int{3, 4}
	for _, name := range slices.Sorted(maps.Keys(snapshot.Applications)) {
		leader := snapshot.Applications[name].Leader
		for _, unit := range snapshot.UnitsOf(name) {
			shown := unit.Name
			if unit.Name == leader {
				shown += "*"
			}
			workload, agent := unitConditions(unit)
			message := workload.Message
			if message == "" {
				message = agent.Message
			}
			if unit.Life != model.Alive {
				message = strings.TrimSpace("(" + string(unit.Life) + ") " + message)
			}
			t.addCells(
				cell{text: shown},
				cell{workload.Current, statusColour(workload.Current)},
				cell{agent.Current, statusColour(agent.Current)},
				cell{text: unit.Machine},
				cell{text: unit.PublicAddress},
				cell{text: portList(unit.Ports)},
				cell{text: message},
			)
		}
	}
	return t
}

func machineTable(snapshot *model.Snapshot) *table {
	t := newTable("Machine", "State", "Address", "Hostname")
	for _, id := range slices.SortedFunc(maps.Keys(snapshot.Machines), compareIds) {
		machine := snapshot.Machines[id]
		address := ""
		if len(machine.Addresses) > 0 {
			address = machine.Addresses[0]
		}
		state := machineState(machine)
		t.addCells(cell{text: id}, cell{state, statusColour(state)}, cell{text: address}, cell{text: machine.Hostname})
	}
	return t
}

func relationTable(snapshot *model.Snapshot) *table {
	t := newTable("Integration provider", "Requirer", "Interface", "Type", "Message")
	for _, id := range slices.Sorted(maps.Keys(snapshot.Relations)) {
		relation := snapshot.Relations[id]
		requirer := relation.Endpoints[0]
		provider := relation.Endpoints[len(relation.Endpoints)-1]
		kind := "regular"
		if relation.Peer() {
			kind = "peer"
		} else if relation.Scope() != "global" {
			kind = "subordinate"
		}
		t.add(provider.String(), requirer.String(), provider.Interface, kind, lifeIfEnding(relation.Life))
	}
	return t
}

// portList writes ports as briefly as can be: "80,443/tcp".
func portList(ports []model.PortRange) string {
	var groups []string
	var protocol string
	for _, p := range ports {
		text, of, _ := strings.Cut(p.String(), "/")
		if of != "" && of == protocol {
			last := len(groups) - 1
			groups[last] = strings.TrimSuffix(groups[last], "/"+of) + "," + text + "/" + of
			continue
		}
		protocol = of
		groups = append(groups, p.String())
	}
	return strings.Join(groups, " ")
}

// compareIds puts numbers in their own order.
func compareIds(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func statusColour(status string) colour {
	switch status {
	case "active", "idle", "started":
		return green
	case "error", "blocked", "lost", "down":
		return red
	case "waiting", "maintenance", "executing", "allocating":
		return yellow
	case "unknown", "terminated":
		return grey
	}
	return plain
}
