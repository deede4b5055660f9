package operation

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

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
	if data[len(data)-1] != '\n' {
		// A value cut short is a value still.
		return State{}, errors.New("it is cut short: no newline at the end")
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&state); err != nil {
		return State{}, oneLine(err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return State{}, errors.New("it has more than one YAML document")
	}
	if err := state.Validate(); err != nil {
		return State{}, err
	}
	return state, nil
}

// oneLine keeps an error of the YAML package to the one line that an error has.
func oneLine(err error) error {
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}

func encodeState(state State) ([]byte, error) {
	data, err := yaml.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("cannot encode operation record: %w", err)
	}
	return data, nil
}

func writeState(path string, state State) error {
	data, err := encodeState(state)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("cannot write operation record: %w", err)
	}
	return nil
}
