package main

import "github.com/spf13/cobra"

func init() { cobra.EnableCommandSorting = false }

// commands returns all commands, in the order in which help lists them.
func (p *program) commands() []*cobra.Command {
	return []*cobra.Command{
		p.upCommand(),
		p.agentCommand(),
		p.deployCommand(),
		p.addUnitCommand(),
		p.removeUnitCommand(),
		p.removeApplicationCommand(),
		p.integrateCommand(),
		p.removeRelationCommand(),
		p.configCommand(),
		p.resolvedCommand(),
		p.pinCommand(),
		p.unpinCommand(),
		p.statusCommand(),
		p.showUnitCommand(),
		p.hooksCommand(),
		p.leasesCommand(),
		p.debugLogCommand(),
		p.replayCommand(),
		p.versionCommand(),
		p.completionCommand(),
	}
}
