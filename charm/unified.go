package charm

import (
	"errors"
	"fmt"

	"gopkg.in/yaml.v3"
)

// packing lists the top-level keys of charmcraft.yaml that say how to build the
// charm, not what it is.
var packing = map[string]bool{
	"analysis": true, "base": true, "bases": true, "build-base": true, "charm-libs": true, "charmhub": true,
	"parts": true, "platforms": true, "type": true,
}

// sections lists the top-level keys that become a file each, or spread over the
// metadata; an empty one says nothing.
var sections = map[string]bool{"actions": true, "config": true, "links": true}

// renamed gives the metadata key for those top-level keys that charmcraft.yaml
// calls otherwise.
var renamed = map[string]string{"title": "display-name"}

// links gives the metadata key for each key below links in charmcraft.yaml.
var links = map[string]string{
	"contact": "maintainers", "documentation": "docs", "issues": "issues", "source": "source", "website": "website",
}

// split makes the three texts of a charm from the text of its unified
// charmcraft.yaml.
func split(unified string) (Documents, error) {
	root, err := parseYAML(unified)
	if err != nil {
		return Documents{}, err
	}
	if root == nil || target(root).Kind != yaml.MappingNode {
		return Documents{}, errors.New("it must be a map that gives at least name, summary and description")
	}
	// The parts part company, so none may refer to an anchor in another.
	if root, err = expand(root); err != nil {
		return Documents{}, err
	}
	if kind := value(root, "type"); kind != nil && kind.Value != "charm" {
		return Documents{}, fmt.Errorf("its type is %q: only a charm can be deployed", kind.Value)
	}
	metadata := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	var d Documents
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, section := root.Content[i], root.Content[i+1]
		switch name := key.Value; {
		case packing[name], isEmpty(section) && sections[name]:
		case name == "config":
			d.Config, err = writeYAML(section)
		case name == "actions":
			d.Actions, err = writeYAML(section)
		case name == "links":
			err = appendLinks(metadata, root, section)
		default:
			metadata.Content = append(metadata.Content, renameKey(key), section)
		}
		if err != nil {
			return Documents{}, err
		}
	}
	d.Metadata, err = writeYAML(metadata)
	return d, err
}

func isEmpty(n *yaml.Node) bool {
	return isNull(n) || n.Kind == yaml.MappingNode && len(n.Content) == 0
}

// renameKey returns the metadata key for a top-level key of charmcraft.yaml.
func renameKey(key *yaml.Node) *yaml.Node {
	name, ok := renamed[key.Value]
	if !ok {
		return key
	}
	other := *key
	other.Value = name
	return &other
}

// appendLinks adds what links holds to the metadata, save keys that the whole
// file gives at its top itself.
func appendLinks(metadata, whole, section *yaml.Node) error {
	if section.Kind != yaml.MappingNode {
		return fmt.Errorf("links on line %d must be a map", section.Line)
	}
	for i := 0; i+1 < len(section.Content); i += 2 {
		name, ok := links[section.Content[i].Value]
		if !ok || value(whole, name) != nil {
			continue
		}
		metadata.Content = append(metadata.Content, text(name), asLink(name, section.Content[i+1]))
	}
	return nil
}

// asLink returns the value in the form that its metadata key wants: the people
// to contact are a list.
func asLink(name string, link *yaml.Node) *yaml.Node {
	if name != "maintainers" || link.Kind == yaml.SequenceNode || isNull(link) {
		return link
	}
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{link}}
}
