package charm

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

// parseYAML returns the root of the one YAML document in text, nil if there is
// none. Duplicate keys and aliases that blow up are errors.
func parseYAML(text string) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := decoder.Decode(new(yaml.Node)); err == nil {
		return nil, errors.New("it holds more than one YAML document")
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	var whole any
	if err := document.Decode(&whole); err != nil {
		return nil, err
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) != 1 {
		return nil, nil
	}
	return document.Content[0], nil
}

// writeYAML is the text of a document with the given root.
func writeYAML(root *yaml.Node) (string, error) {
	var b strings.Builder
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return "", err
	}
	if err := encoder.Close(); err != nil {
		return "", err
	}
	return b.String(), nil
}

// target follows an alias to what it stands for.
func target(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// isNull reports whether n is there but says nothing.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// isMerge reports whether a key brings the values of other mappings in.
func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
}

// value returns what the mapping n has under key, and nil if it has no such key
// or is not a mapping.
func value(n *yaml.Node, key string) *yaml.Node {
	n = target(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Kind == yaml.ScalarNode && n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// eachValue calls f with every value of the mapping n, those that a merge key
// brings in included, so that f may replace it. It does nothing if n is not a
// mapping.
func eachValue(n *yaml.Node, f func(value *yaml.Node)) {
	n = target(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			f(n.Content[i+1])
			continue
		}
		merged := target(n.Content[i+1])
		if merged.Kind == yaml.SequenceNode {
			for _, one := range merged.Content {
				eachValue(one, f)
			}
			continue
		}
		eachValue(merged, f)
	}
}

// maxNodes bounds what aliases may make of a document when they are written
// out.
const maxNodes = 200_000

// expand returns a copy of n in which every alias is replaced by what it stands
// for, so that the parts of a document can be written to different files.
func expand(n *yaml.Node) (*yaml.Node, error) {
	budget := maxNodes
	var copyOf func(n *yaml.Node) (*yaml.Node, error)
	copyOf = func(n *yaml.Node) (*yaml.Node, error) {
		n = target(n)
		if budget--; budget < 0 {
			return nil, fmt.Errorf("its aliases stand for more than %d values", maxNodes)
		}
		made := *n
		made.Anchor = ""
		if isMerge(n) {
			made.Tag = "" // implied by "<<", and else written out
		}
		made.Content = nil
		for _, child := range n.Content {
			childCopy, err := copyOf(child)
			if err != nil {
				return nil, err
			}
			made.Content = append(made.Content, childCopy)
		}
		return &made, nil
	}
	return copyOf(n)
}
