package operation

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"gopkg.in/yaml.v3"

	"github.com/unit-agent/unit-agent/internal/durable"
)

// FileName is the name of the record in a unit's state directory.
const FileName = "operation.yaml"

// ReadState reads the record at path. No file is the state of a unit that never
// ran a hook. A file that does not parse is an error that names it; the file is
// left as it is.
func ReadState(path string) (State, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("cannot read operation record: %w", err)
	}
	state, err := parseState(data)
	if err != nil {
		return State{}, fmt.Errorf("cannot read operation record %s: %w; "+
			"mend the file, or move it away to have the unit start from its install hook", path, err)
	}
	return state, nil
}

func parseState(data []byte) (State, error) {
	var state State
	if len(bytes.TrimSpace(data)) == 0 {
		return State{}, errors.New("it is empty")
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&state); err != nil {
		return State{}, err
	}
	if err := state.Validate(); err != nil {
		return State{}, err
	}
	return state, nil
}

func writeState(path string, state State) error {
	data, err := yaml.Marshal(state)
	if err != nil {
		return fmt.Errorf("cannot encode operation record: %w", err)
	}
	if err := durable.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("cannot write operation record: %w", err)
	}
	return nil
}
