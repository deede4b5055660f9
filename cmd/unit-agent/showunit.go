package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/unit-agent/unit-agent/model"
)

func (p *program) showUnitCommand() *cobra.Command {
	var out formatFlag
	command := &cobra.Command{
		Use:     "show-unit UNIT...",
		GroupID: groupSee,
		Short:   "Show units with what their relations hold",
		Example: `  unit-agent show-unit mysql/0
  unit-agent show-unit mysql/0 wordpress/0 --format json`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: p.completeUnits(0),
	}
	out.add(command, "yaml", "yaml", "json")
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkUnitNames(args); err != nil {
			return err
		}
		return p.with(cmd.Context(), func(s *session) error {
			snapshot, err := s.Status(cmd.Context())
			if err != nil {
				return err
			}
			shown := make(map[string]shownUnitDetail, len(args))
			for _, name := range args {
				unit, ok := snapshot.Units[name]
				if !ok {
					return &model.NotFoundError{Noun: "unit \"" + name + "\""}
				}
				if shown[name], err = describeUnitDetail(cmd.Context(), s, snapshot, unit); err != nil {
					return err
				}
			}
			return out.write(p.stdout, shown, nil)
		})
	}
	return command
}

// shownUnitDetail is a unit with the keys that juju's show-unit has.
type shownUnitDetail struct {
	WorkloadVersion string              `json:"workload-version,omitempty" yaml:"workload-version,omitempty"`
	Machine         string              `json:"machine,omitempty" yaml:"machine,omitempty"`
	OpenedPorts     []string            `json:"opened-ports" yaml:"opened-ports"`
	PublicAddress   string              `json:"public-address,omitempty" yaml:"public-address,omitempty"`
	Charm           string              `json:"charm" yaml:"charm"`
	Leader          bool                `json:"leader" yaml:"leader"`
	Life            string              `json:"life,omitempty" yaml:"life,omitempty"`
	WorkloadStatus  shownCondition      `json:"workload-status" yaml:"workload-status"`
	JujuStatus      shownCondition      `json:"juju-status" yaml:"juju-status"`
	Relations       []shownRelationInfo `json:"relation-info,omitempty" yaml:"relation-info,omitempty"`
}

type shownRelationInfo struct {
	RelationId      int                     `json:"relation-id" yaml:"relation-id"`
	Endpoint        string                  `json:"endpoint" yaml:"endpoint"`
	RelatedEndpoint string                  `json:"related-endpoint" yaml:"related-endpoint"`
	ApplicationData map[string]string       `json:"application-data" yaml:"application-data"`
	LocalUnit       *shownRelated           `json:"local-unit,omitempty" yaml:"local-unit,omitempty"`
	RelatedUnits    map[string]shownRelated `json:"related-units,omitempty" yaml:"related-units,omitempty"`
}

type shownRelated struct {
	InScope bool              `json:"in-scope" yaml:"in-scope"`
	Data    map[string]string `json:"data" yaml:"data"`
}

func describeUnitDetail(ctx context.Context, s *session, snapshot *model.Snapshot, unit model.Unit) (shownUnitDetail, error) {
	application := snapshot.Applications[unit.Application]
	brief := describeUnit(unit, application.Leader)
	shown := shownUnitDetail{
		WorkloadVersion: unit.WorkloadVersion,
		Machine:         unit.Machine,
		OpenedPorts:     append([]string{}, brief.OpenPorts...),
		PublicAddress:   unit.PublicAddress,
		Charm:           describeApplication(snapshot, application).Charm,
		Leader:          brief.Leader,
		Life:            lifeIfEnding(unit.Life),
		WorkloadStatus:  brief.WorkloadStatus,
		JujuStatus:      brief.JujuStatus,
	}
	view := s.View(unit.Name)
	for _, relation := range snapshot.RelationsOf(unit.Application) {
		info, err := describeRelationInfo(ctx, view, relation, unit)
		if model.IsNotFound(err) {
			continue
		}
		if err != nil {
			return shownUnitDetail{}, err
		}
		shown.Relations = append(shown.Relations, info)
	}
	return shown, nil
}

func describeRelationInfo(ctx context.Context, view *model.View, relation model.Relation, unit model.Unit) (shownRelationInfo, error) {
	own, _ := relation.Endpoint(unit.Application)
	remote, _ := relation.Remote(unit.Application)
	info := shownRelationInfo{RelationId: relation.Id, Endpoint: own.Name, RelatedEndpoint: remote.Name}
	var err error
	if info.ApplicationData, err = view.ApplicationSettings(ctx, relation.Id, remote.Application); err != nil {
		return info, err
	}
	data, err := view.UnitSettings(ctx, relation.Id, unit.Name)
	if err == nil {
		info.LocalUnit = &shownRelated{InScope: true, Data: data}
	} else if !model.IsNotFound(err) {
		return info, err
	}
	members, err := view.RelationMembers(ctx, relation.Id)
	if err != nil {
		return info, err
	}
	related := map[string]shownRelated{}
	for _, member := range members {
		data, err := view.UnitSettings(ctx, relation.Id, member)
		if err != nil {
			return info, err
		}
		related[member] = shownRelated{InScope: true, Data: data}
	}
	info.RelatedUnits = related
	return info, nil
}
