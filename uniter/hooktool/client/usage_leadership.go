package client

var leadershipUsage = [...]usage{
	{"is-leader", `Usage: is-leader [options]

Print whether this unit leads its application. If it does, it will for 30 seconds more at
the least.

Options:
` + outputOptions},

	{"leader-get", `Usage: leader-get [options] [KEY|-]

Print what the leader of this unit's application shares with its units: the value of KEY,
or everything.

Options:
` + outputOptions},

	{"leader-set", `Usage: leader-set KEY=VALUE...

Share settings with the units of this unit's application, at once; an empty VALUE removes a
setting. Only the leader may.
`},
}
