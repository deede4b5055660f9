package main

import (
	"fmt"
	"time"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter/runner"
)

// The types here have the keys that juju's status has.

type shownStatus struct {
	Model        shownModel                  `json:"model" yaml:"model"`
	Machines     map[string]shownMachine     `json:"machines" yaml:"machines"`
	Applications map[string]shownApplication `json:"applications" yaml:"applications"`
	Storage      struct{}                    `json:"storage" yaml:"storage"`
	Controller   shownController             `json:"controller" yaml:"controller"`
}

type shownModel struct {
	Name       string         `json:"name" yaml:"name"`
	Type       string         `json:"type" yaml:"type"`
	Controller string         `json:"controller" yaml:"controller"`
	Cloud      string         `json:"cloud" yaml:"cloud"`
	Version    string         `json:"version" yaml:"version"`
	UUID       string         `json:"model-uuid" yaml:"model-uuid"`
	Status     shownCondition `json:"model-status" yaml:"model-status"`
	SLA        string         `json:"sla" yaml:"sla"`
}

type shownController struct {
	Timestamp string `json:"timestamp" yaml:"timestamp"`
}

type shownMachine struct {
	JujuStatus    shownCondition `json:"juju-status" yaml:"juju-status"`
	Hostname      string         `json:"hostname,omitempty" yaml:"hostname,omitempty"`
	DNSName       string         `json:"dns-name,omitempty" yaml:"dns-name,omitempty"`
	IPAddresses   []string       `json:"ip-addresses,omitempty" yaml:"ip-addresses,omitempty"`
	InstanceId    string         `json:"instance-id" yaml:"instance-id"`
	MachineStatus shownCondition `json:"machine-status" yaml:"machine-status"`
}

type shownApplication struct {
	Charm         string                     `json:"charm" yaml:"charm"`
	CharmOrigin   string                     `json:"charm-origin" yaml:"charm-origin"`
	CharmName     string                     `json:"charm-name" yaml:"charm-name"`
	CharmRev      int                        `json:"charm-rev" yaml:"charm-rev"`
	CharmVersion  string                     `json:"charm-version,omitempty" yaml:"charm-version,omitempty"`
	Exposed       bool                       `json:"exposed" yaml:"exposed"`
	Life          string                     `json:"life,omitempty" yaml:"life,omitempty"`
	Status        shownCondition             `json:"application-status" yaml:"application-status"`
	Relations     map[string][]shownRelation `json:"relations,omitempty" yaml:"relations,omitempty"`
	SubordinateTo []string                   `json:"subordinate-to,omitempty" yaml:"subordinate-to,omitempty"`
	Units         map[string]shownUnit       `json:"units,omitempty" yaml:"units,omitempty"`
	Version       string                     `json:"version,omitempty" yaml:"version,omitempty"`
}

type shownRelation struct {
	Application string `json:"related-application" yaml:"related-application"`
	Interface   string `json:"interface" yaml:"interface"`
	Scope       string `json:"scope" yaml:"scope"`
}

type shownUnit struct {
	WorkloadStatus shownCondition `json:"workload-status" yaml:"workload-status"`
	JujuStatus     shownCondition `json:"juju-status" yaml:"juju-status"`
	Leader         bool           `json:"leader,omitempty" yaml:"leader,omitempty"`
	Machine        string         `json:"machine,omitempty" yaml:"machine,omitempty"`
	OpenPorts      []string       `json:"open-ports,omitempty" yaml:"open-ports,omitempty"`
	PublicAddress  string         `json:"public-address,omitempty" yaml:"public-address,omitempty"`
}

// shownCondition is how something is.
type shownCondition struct {
	Current string `json:"current" yaml:"current"`
	Message string `json:"message,omitempty" yaml:"message,omitempty"`
	Since   string `json:"since,omitempty" yaml:"since,omitempty"`
	Version string `json:"version,omitempty" yaml:"version,omitempty"`
	Life    string `json:"life,omitempty" yaml:"life,omitempty"`
}

func describeStatus(snapshot *model.Snapshot) shownStatus {
	shown := shownStatus{
		Model: shownModel{
			Name:       snapshot.Name,
			Type:       "iaas",
			Controller: "unit-agent",
			Cloud:      "local",
			Version:    runner.JujuVersion,
			UUID:       snapshot.UUID,
			Status:     shownCondition{Current: "available"},
			SLA:        "unsupported",
		},
		Machines:     make(map[string]shownMachine, len(snapshot.Machines)),
		Applications: make(map[string]shownApplication, len(snapshot.Applications)),
		Controller:   shownController{Timestamp: snapshot.Time.UTC().Format("15:04:05Z")},
	}
	for id, machine := range snapshot.Machines {
		shown.Machines[id] = describeMachineStatus(machine)
	}
	for name, application := range snapshot.Applications {
		shown.Applications[name] = describeApplication(snapshot, application)
	}
	return shown
}

func describeMachineStatus(machine model.Machine) shownMachine {
	condition := shownCondition{Current: machineState(machine), Since: since(machine.Since)}
	shown := shownMachine{
		JujuStatus:    condition,
		Hostname:      machine.Hostname,
		IPAddresses:   machine.Addresses,
		InstanceId:    machine.Hostname,
		MachineStatus: shownCondition{Current: "running", Since: since(machine.Since)},
	}
	if len(machine.Addresses) > 0 {
		shown.DNSName = machine.Addresses[0]
	}
	return shown
}

func machineState(machine model.Machine) string {
	if machine.AgentAlive {
		return "started"
	}
	return "down"
}

func describeApplication(snapshot *model.Snapshot, application model.ApplicationSnapshot) shownApplication {
	shown := shownApplication{
		Charm:        fmt.Sprintf("local:%s-%d", application.Charm.Name, application.Charm.Revision),
		CharmOrigin:  "local",
		CharmName:    application.Charm.Name,
		CharmRev:     application.Charm.Revision,
		CharmVersion: application.Charm.Version,
		Exposed:      application.Exposed,
		Life:         lifeIfEnding(application.Life),
		Status:       condition(application.Status),
		Relations:    map[string][]shownRelation{},
		Units:        map[string]shownUnit{},
		Version:      application.WorkloadVersion,
	}
	for _, relation := range snapshot.RelationsOf(application.Name) {
		own, _ := relation.Endpoint(application.Name)
		remote, _ := relation.Remote(application.Name)
		shown.Relations[own.Name] = append(shown.Relations[own.Name], shownRelation{
			Application: remote.Application,
			Interface:   own.Interface,
			Scope:       string(relation.Scope()),
		})
	}
	for _, unit := range snapshot.UnitsOf(application.Name) {
		shown.Units[unit.Name] = describeUnit(unit, application.Leader)
	}
	return shown
}

func describeUnit(unit model.Unit, leader string) shownUnit {
	workload, agent := unitConditions(unit)
	shown := shownUnit{
		WorkloadStatus: workload,
		JujuStatus:     agent,
		Leader:         unit.Name == leader,
		Machine:        unit.Machine,
		PublicAddress:  unit.PublicAddress,
	}
	shown.JujuStatus.Version = runner.JujuVersion
	shown.JujuStatus.Life = lifeIfEnding(unit.Life)
	for _, ports := range unit.Ports {
		shown.OpenPorts = append(shown.OpenPorts, ports.String())
	}
	return shown
}

// unitConditions says how a unit's workload and its agent are.
func unitConditions(unit model.Unit) (workload, agent shownCondition) {
	w, a := unit.Shown()
	return condition(w), condition(a)
}

func condition(status model.StatusInfo) shownCondition {
	return shownCondition{Current: status.Status, Message: status.Message, Since: since(status.Since)}
}

func since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("02 Jan 2006 15:04:05Z07:00")
}

func lifeIfEnding(life model.Life) string {
	if life == model.Alive {
		return ""
	}
	return string(life)
}
