package hooktool

import (
	"context"
	"errors"
	"fmt"
	"maps"
)

// relationSet buffers settings of the unit or its application.
type relationSet struct {
	hook          *Context
	relation      relationFlag
	ofApplication bool
	file          string
	format        string

	set changes
}

func (cmd *relationSet) flags(fs *flagSet) {
	cmd.relation.flags(fs)
	fs.boolean(&cmd.ofApplication, "app")
	fs.text(&cmd.file, "file")
	fs.text(&cmd.format, "format")
}

func (cmd *relationSet) args(args []string) error {
	if err := cmd.relation.check(); err != nil {
		return err
	}
	pairs, err := parsePairs(args)
	cmd.set = pairs
	return err
}

func (cmd *relationSet) inputs() []string {
	if cmd.file == "" {
		return nil
	}
	return []string{cmd.file}
}

func (cmd *relationSet) take(name string, content []byte) error {
	settings, err := parseSettings(content)
	if err != nil {
		return fmt.Errorf("cannot read settings from %s: %w", name, err)
	}
	maps.Copy(settings, cmd.set)
	cmd.set = settings
	return nil
}

func (cmd *relationSet) run(ctx context.Context, res *result) error {
	if cmd.format != "" {
		res.stderr.WriteString("WARNING relation-set has no use for --format\n")
	}
	c, id := cmd.hook, cmd.relation.id
	if !cmd.ofApplication {
		merge(c.unitChanges, id, cmd.set)
		return nil
	}
	fence, err := c.leaderFence()
	if errors.Is(err, errNotLeader) {
		return errors.New("cannot write relation settings")
	}
	if err != nil {
		return fmt.Errorf("cannot write relation settings: %w", err)
	}
	if len(cmd.set) == 0 {
		return nil
	}
	// The first fence stays: if leadership moves away and back, what was decided
	// under the earlier term must not be written under the later one.
	if len(c.appChanges) == 0 {
		c.fence = fence
	}
	merge(c.appChanges, id, cmd.set)
	return nil
}

func merge(to map[int]changes, id int, set changes) {
	if to[id] == nil {
		to[id] = make(changes, len(set))
	}
	maps.Copy(to[id], set)
}
