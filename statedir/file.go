package statedir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	versionKey = "change-version"
	pendingKey = "changed-pending"
)

// record is the content of a unit's or an application's file.
type record struct {
	version int64
	pending bool
}

// encode returns the one form that this package writes. It ends in a newline, so
// that a file cut short can be told.
func (r record) encode() []byte {
	b := append(make([]byte, 0, 64), versionKey+": "...)
	b = strconv.AppendInt(b, r.version, 10)
	if r.pending {
		b = append(b, "\n"+pendingKey+": true"...)
	}
	return append(b, '\n')
}

// decode reads what encode wrote, or any other YAML that says the same.
func decode(data []byte) (record, error) {
	if r, ok := decodeCanonical(data); ok {
		return r, nil
	}
	return decodeYAML(data)
}

// maxCanonicalDigits is how many digits always fit an int64.
const maxCanonicalDigits = 18

// decodeCanonical reads exactly what encode writes, save for versions of more
// digits than always fit.
func decodeCanonical(data []byte) (r record, ok bool) {
	data, ok = bytes.CutPrefix(data, []byte(versionKey+": "))
	if !ok {
		return record{}, false
	}
	n := 0
	for n < len(data) && '0' <= data[n] && data[n] <= '9' {
		r.version = r.version*10 + int64(data[n]-'0')
		if n++; n > maxCanonicalDigits {
			return record{}, false
		}
	}
	if n == 0 || n > 1 && data[0] == '0' {
		return record{}, false
	}
	switch string(data[n:]) {
	case "\n":
		return r, true
	case "\n" + pendingKey + ": true\n":
		r.pending = true
		return r, true
	}
	return record{}, false
}

// errNotSet has the key's name wrong, and is known by that text.
var errNotSet = errors.New(`"changed-version" not set`)

// decodeYAML reads any YAML that has the two fields and nothing else.
func decodeYAML(data []byte) (record, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var fields map[string]yaml.Node
	if err := decoder.Decode(&fields); err != nil && err != io.EOF {
		return record{}, oneLine(err)
	}
	version, ok := fields[versionKey]
	if !ok {
		if len(data) == 0 {
			return record{}, fmt.Errorf("%w: the file is empty", errNotSet)
		}
		return record{}, errNotSet
	}
	var r record
	if err := scalar(version, "!!int", &r.version); err != nil {
		return record{}, fmt.Errorf("%q is not a whole number: %w", versionKey, err)
	}
	if r.version < 0 {
		return record{}, fmt.Errorf("%q is negative: %d", versionKey, r.version)
	}
	if pending, ok := fields[pendingKey]; ok {
		if err := scalar(pending, "!!bool", &r.pending); err != nil {
			return record{}, fmt.Errorf("%q is not true or false: %w", pendingKey, err)
		}
	}
	for key := range fields {
		if key != versionKey && key != pendingKey {
			return record{}, fmt.Errorf("unknown field %q", key)
		}
	}
	var rest yaml.Node
	if err := decoder.Decode(&rest); err != io.EOF {
		return record{}, errors.New("more than one YAML document")
	}
	if data[len(data)-1] != '\n' {
		// A version cut short is a version still.
		return record{}, errors.New("cut short: no newline at the end")
	}
	return r, nil
}

func scalar(node yaml.Node, tag string, value any) error {
	if node.Kind != yaml.ScalarNode || node.ShortTag() != tag {
		return fmt.Errorf("found %s %q", node.ShortTag(), node.Value)
	}
	if err := node.Decode(value); err != nil {
		return oneLine(err)
	}
	return nil
}

// oneLine keeps an error of the YAML package to the one line that an error has.
func oneLine(err error) error {
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}
