// Hook-tool is the program behind every hook tool that a charm calls: each is a symlink
// to it, and the name that it is started under picks the tool. It must start fast, so
// all that it does is put the call to the unit's agent.
package main

import (
	"os"

	"github.com/unit-agent/unit-agent/uniter/hooktool/client"
)

func main() {
	os.Exit(client.Main(os.Args, os.Stdin, os.Stdout, os.Stderr))
}
