package client

var statusUsage = [...]usage{
	{"status-set", `Usage: status-set [options] STATUS [MESSAGE]

Set the unit's status to maintenance, blocked, waiting or active. It is seen at once, and
stays if the hook fails.

Options:
  --application
        set the application's status; for its leader only
`},

	{"status-get", `Usage: status-get [options]

Print the unit's status.

Options:
  --include-data
        print message and data too
  --application
        print the application's status and those of its units; for its leader only
` + outputOptions},

	{"juju-log", `Usage: juju-log [options] MESSAGE ...

Write the words of MESSAGE to the unit's log.

Options:
  -l, --log-level LEVEL
        TRACE, DEBUG, INFO (default), WARNING, ERROR or CRITICAL
  --debug
        the same as --log-level DEBUG
  --format FORMAT
        ignored
`},

	{"application-version-set", `Usage: application-version-set VERSION

Say which version of the workload runs. It is seen at once, and stays if the hook fails.
`},
}
