package statedir_test

import (
	"fmt"
	"os"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/statedir"
	"github.com/unit-agent/unit-agent/uniter/hook"
)

// A hook is validated before it is run, and written after.
func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	relation, err := statedir.ReadStateDir(dir, 7)
	if err != nil {
		panic(err)
	}
	joined := hook.Info{Kind: hooks.RelationJoined, RelationId: 7, RemoteUnit: "foo/3", ChangeVersion: 12}
	if err := relation.Validate(joined); err != nil {
		panic(err)
	}
	// ... run the hook ...
	if err := relation.Write(joined); err != nil {
		panic(err)
	}

	changed := joined
	changed.Kind = hooks.RelationChanged
	if err := relation.Write(changed); err != nil {
		panic(err)
	}
	fmt.Println(relation.Validate(joined))

	// Another process finds it all.
	all, err := statedir.ReadAllStateDirs(dir)
	fmt.Println(all[7].State().Members, err)
	// Output:
	// inappropriate "relation-joined" for "foo/3": unit already joined
	// map[foo/3:12] <nil>
}
