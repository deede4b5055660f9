package model

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/juju/names/v4"
)

// formatKey and modelKey stand beside the models, under the prefix of them all.
func formatKey(prefix string) string            { return prefix + "/format" }
func modelKey(prefix, name string) string       { return prefix + "/models/" + name }
func modelBase(prefix, uuid string) string      { return prefix + "/" + uuid + "/" }
func relationName(id int) string                { return "relation " + strconv.Itoa(id) }
func unitNoun(unit string) string               { return fmt.Sprintf("unit %q", unit) }
func applicationNoun(application string) string { return fmt.Sprintf("application %q", application) }

// keys knows where everything of one model stands. Its value is the prefix of the model, with a slash at the end. What
// ends in a slash is the prefix of several keys.
type keys string

const (
	metaSuffix      = "meta"
	charmSuffix     = "charm"
	configSuffix    = "config"
	leaderSettings  = "leader-settings"
	statusSuffix    = "status"
	addressesSuffix = "addresses"
	workloadSuffix  = "workload"
	agentSuffix     = "agent"
	versionSuffix   = "version"
	resolvedSuffix  = "resolved"
	portsSuffix     = "ports"
	claimSuffix     = "claim"
	aliveSuffix     = "alive"

	relationsInfix = "relations/"
	unitsInfix     = "units/"
	appsInfix      = "apps/"
	departedInfix  = "departed/"
	leasesInfix    = "leases/"
	machinesInfix  = "machines/"
	leaderSuffix   = "leases/leader"
)

func (k keys) meta() string { return string(k) + metaSuffix }

func (k keys) relationSequence() string { return string(k) + "sequences/relation" }
func (k keys) machineSequence() string  { return string(k) + "sequences/machine" }
func (k keys) unitSequence(application string) string {
	return string(k) + "sequences/units/" + application
}

func (k keys) applications() string { return string(k) + appsInfix }
func (k keys) application(application string) string {
	return k.applications() + application + "/"
}
func (k keys) applicationMeta(application string) string {
	return k.application(application) + metaSuffix
}
func (k keys) charm(application string) string  { return k.application(application) + charmSuffix }
func (k keys) config(application string) string { return k.application(application) + configSuffix }
func (k keys) status(application string) string { return k.application(application) + statusSuffix }
func (k keys) leader(application string) string { return k.application(application) + leaderSuffix }
func (k keys) index(application string) string  { return k.application(application) + relationsInfix }
func (k keys) indexed(application string, id int) string {
	return k.index(application) + strconv.Itoa(id)
}

func (k keys) units() string                       { return string(k) + unitsInfix }
func (k keys) unitsOf(application string) string   { return k.units() + application + "/" }
func (k keys) unit(unit string) string             { return k.units() + unit + "/" }
func (k keys) unitMeta(unit string) string         { return k.unit(unit) + metaSuffix }
func (k keys) unitPart(unit, suffix string) string { return k.unit(unit) + suffix }

func (k keys) relations() string          { return string(k) + relationsInfix }
func (k keys) relation(id int) string     { return k.relations() + strconv.Itoa(id) + "/" }
func (k keys) relationMeta(id int) string { return k.relation(id) + metaSuffix }
func (k keys) members(id int) string      { return k.relation(id) + unitsInfix }
func (k keys) member(id int, unit string) string {
	return k.members(id) + unit
}
func (k keys) applicationBags(id int) string { return k.relation(id) + appsInfix }
func (k keys) applicationBag(id int, application string) string {
	return k.applicationBags(id) + application
}
func (k keys) departed(id int, unit string) string {
	return k.relation(id) + departedInfix + unit
}

func (k keys) machines() string                   { return string(k) + machinesInfix }
func (k keys) machine(id string) string           { return k.machines() + id + "/" }
func (k keys) machineMeta(id string) string       { return k.machine(id) + metaSuffix }
func (k keys) machineAlive(id string) string      { return k.machine(id) + aliveSuffix }
func (k keys) machineUnits(id string) string      { return k.machine(id) + unitsInfix }
func (k keys) machineUnit(id, unit string) string { return k.machineUnits(id) + unit }

// applicationOf returns the application of a unit, or an error if unit is not the name of one.
func applicationOf(unit string) (string, error) {
	if !names.IsValidUnit(unit) {
		return "", fmt.Errorf("invalid unit name %q", unit)
	}
	application, _, _ := strings.Cut(unit, "/")
	return application, nil
}

// splitUnit returns the parts of a unit's name as it stands in a key; ok is false if it is none.
func splitUnit(unit string) (application string, number int, ok bool) {
	application, digits, found := strings.Cut(unit, "/")
	number, err := strconv.Atoi(digits)
	if !found || err != nil || number < 0 || strconv.Itoa(number) != digits {
		return "", 0, false
	}
	return application, number, true
}

// splitPart splits what follows a collection's prefix into the n leading parts that name the thing and the rest:
// with n 2, "mysql/0/meta" gives "mysql/0" and "meta".
func splitPart(rest string, n int) (name, suffix string, ok bool) {
	end := 0
	for ; n > 0; n-- {
		i := strings.IndexByte(rest[end:], '/')
		if i < 0 {
			return "", "", false
		}
		end += i + 1
	}
	return rest[:end-1], rest[end:], true
}
