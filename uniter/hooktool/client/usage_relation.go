package client

var relationUsage = [...]usage{
	{"relation-get", `Usage: relation-get [options] [KEY|-] [UNIT|APPLICATION]

Print settings that a unit or an application shows in a relation: the value of KEY, or
all of them if there is no KEY or it is "-".

In a hook that is about a remote unit, UNIT may be left out and is that unit; in one that
is about a remote application only, its settings are printed. Settings of a unit that left
stay readable while the relation exists. What this hook has set is seen at once.

Options:
` + relationOption + `  --app
        settings of the application, not of the unit. Those of the own application are for
        its leader, except in a peer relation
` + outputOptions},

	{"relation-set", `Usage: relation-set [options] [KEY=VALUE ...]

Set what this unit shows in a relation. A KEY with an empty VALUE is removed. The others
see it when the hook has ended well; if the hook fails, nothing was set.

Options:
` + relationOption + `  --app
        set what the application shows; for its leader only
  --file FILE
        take settings from FILE too, a YAML or JSON map ("-": standard input). Those on the
        command line win
  --format FORMAT
        ignored
`},

	{"relation-ids", `Usage: relation-ids [options] [ENDPOINT]

Print the ids of the relations of an endpoint. In a relation hook ENDPOINT may be left
out and is that hook's.

Options:
` + outputOptions},

	{"relation-list", `Usage: relation-list [options]

Print the units on the other side of a relation; in a peer relation, the other units of
the application.

Options:
` + relationOption + `  --app
        the application on the other side instead
` + outputOptions},
}
