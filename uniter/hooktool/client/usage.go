package client

// usage is a tool's help, as --help prints it.
type usage struct{ tool, text string }

// families lists the help of every tool. Like all it is made of it is laid out by the
// compiler: a tool's start must not pay for it.
var families = [...][]usage{
	relationUsage[:],
	configUsage[:],
	leadershipUsage[:],
	statusUsage[:],
	portUsage[:],
	unitUsage[:],
}

// Usage returns the help of the named tool, or nothing if there is no such tool.
func Usage(tool string) string {
	for _, family := range families {
		for _, u := range family {
			if u.tool == tool {
				return u.text
			}
		}
	}
	return ""
}

// IsTool says whether there is a hook tool of this name.
func IsTool(name string) bool { return Usage(name) != "" }

// Names returns the names of all hook tools, family by family.
func Names() []string {
	var names []string
	for _, family := range families {
		for _, u := range family {
			names = append(names, u.tool)
		}
	}
	return names
}

func overview() string {
	text := `Usage: TOOL [options] [arguments]
       hook-tool TOOL [options] [arguments]

Hook tools are how a charm's hooks ask and tell the unit's agent things. They work inside
a hook; TOOL --help works anywhere. The tools are:

`
	for _, name := range Names() {
		text += "  " + name + "\n"
	}
	return text
}

// Options that several tools share.
const (
	relationOption = `  -r, --relation ENDPOINT:ID
        the relation, as relation-ids prints it; ID alone will do. In a relation hook
        it may be left out and is that hook's relation
`
	outputOptions = `  --format smart|yaml|json
        how to print (default smart: plain text where that is enough, else YAML)
  -o, --output FILE
        print to FILE
`
)
