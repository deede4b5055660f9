package charm

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	jujucharm "github.com/juju/charm/v12"
	"github.com/juju/names/v4"
	"gopkg.in/yaml.v3"
)

var (
	endpointName = regexp.MustCompile("^" + names.RelationSnippet + "$")
	storageName  = regexp.MustCompile("^" + names.ApplicationSnippet + "$")
)

// checkNames holds the names in meta against the rules that make hook names,
// unit names and file names of them.
func checkNames(meta *jujucharm.Meta) error {
	if !jujucharm.IsValidName(meta.Name) {
		return fmt.Errorf("bad charm name %q: use lower-case letters, digits and single dashes, with a letter in every part", meta.Name)
	}
	endpoints := meta.CombinedRelations()
	for _, name := range slices.Sorted(maps.Keys(endpoints)) {
		if !endpointName.MatchString(name) {
			return fmt.Errorf("bad endpoint name %q: use lower-case letters, digits, dashes and underscores, and begin with a letter", name)
		}
		if endpoints[name].Interface == "" {
			return fmt.Errorf("endpoint %q has an empty interface: name the interface that it speaks", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(meta.Storage)) {
		if !storageName.MatchString(name) {
			return fmt.Errorf("bad storage name %q: use lower-case letters, digits and single dashes, with a letter in every part", name)
		}
	}
	return nil
}

// checkNoReferences refuses schema references in actions: following one would
// read files or the network.
func checkNoReferences(root *yaml.Node) error {
	seen := map[*yaml.Node]bool{}
	var check func(n *yaml.Node) error
	check = func(n *yaml.Node) error {
		n = target(n)
		if n == nil || seen[n] {
			return nil
		}
		seen[n] = true
		for i, child := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 0 && (child.Value == "$ref" || child.Value == "$schema") {
				return fmt.Errorf("schema key %q on line %d cannot be used: write the schema out", child.Value, child.Line)
			}
			if err := check(child); err != nil {
				return err
			}
		}
		return nil
	}
	return check(root)
}
