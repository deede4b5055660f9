package hooktool

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// printer is the output flags of the tools that print a value.
type printer struct {
	format string
	file   string
}

func (p *printer) flags(fs *flagSet) {
	p.format = "smart"
	fs.bind(func(s string) error {
		if formatters[s] == nil {
			return fmt.Errorf("unknown format %q", s)
		}
		p.format = s
		return nil
	}, "format")
	fs.text(&p.file, "output", "o")
}

// print prints a value: nil, a bool, a number, a string, a []string, or a map with string keys.
func (p *printer) print(res *result, value any) error {
	text, err := formatters[p.format](value)
	if err != nil {
		return fmt.Errorf("cannot format the result: %w", err)
	}
	res.file = p.file
	res.stdout.Write(text)
	return nil
}

var formatters = map[string]func(any) ([]byte, error){
	"smart": formatSmart,
	"yaml":  formatYAML,
	"json":  formatJSON,
}

func formatJSON(value any) ([]byte, error) {
	text, err := json.Marshal(value)
	return append(text, '\n'), err
}

func formatYAML(value any) ([]byte, error) {
	if value == nil {
		return nil, nil
	}
	node, err := yamlNode(value)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(node); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}

// yamlNode lays a value out. The encoder would do it by itself, but writes every text of several lines
// as a block, also one that does not read as itself there.
func yamlNode(value any) (*yaml.Node, error) {
	node := &yaml.Node{}
	switch value := value.(type) {
	case string:
		if !strings.Contains(value, "\n") || !utf8.ValidString(value) {
			return node, node.Encode(value)
		}
		node.Kind, node.Tag, node.Value, node.Style = yaml.ScalarNode, "!!str", value, yaml.LiteralStyle
		if strings.TrimSpace(value[:1]) == "" {
			node.Style = yaml.DoubleQuotedStyle
		}
		return node, nil
	case []string:
		node.Kind = yaml.SequenceNode
		return node, addNodes(node, value...)
	case map[string]string:
		return node, addMap(node, value)
	case map[string]any:
		return node, addMap(node, value)
	}
	return node, node.Encode(value)
}

func addMap[V any](node *yaml.Node, values map[string]V) error {
	node.Kind = yaml.MappingNode
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if err := addNodes[any](node, key, values[key]); err != nil {
			return err
		}
	}
	return nil
}

func addNodes[V any](node *yaml.Node, values ...V) error {
	for _, value := range values {
		child, err := yamlNode(value)
		if err != nil {
			return err
		}
		node.Content = append(node.Content, child)
	}
	return nil
}

// formatSmart prints what a shell script can use as it is. What is empty prints nothing,
// so a test for an empty string is a test for a value.
func formatSmart(value any) ([]byte, error) {
	switch value := value.(type) {
	case nil:
		return nil, nil
	case string:
		return line(value), nil
	case []string:
		return line(strings.Join(value, "\n")), nil
	case bool:
		if value {
			return line("True"), nil
		}
		return line("False"), nil
	}
	return formatYAML(value)
}

func line(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text + "\n")
}
