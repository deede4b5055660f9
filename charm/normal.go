package charm

import "gopkg.in/yaml.v3"

// normalise returns the texts in the form that a running charm can read: charms
// on the ops framework want each endpoint as a map and each config option with
// its type, which the agent itself takes as given. A text that is in that form
// already is returned byte for byte. The texts must have been parsed without
// error.
func normalise(d Documents) (Documents, error) {
	metadata, err := rewrite(d.Metadata, normaliseEndpoints)
	if err != nil {
		return Documents{}, err
	}
	config, err := rewrite(d.Config, normaliseOptions)
	if err != nil {
		return Documents{}, err
	}
	return Documents{Metadata: metadata, Config: config, Actions: d.Actions}, nil
}

// rewrite applies change to the document in text and, if it reports that it did
// something, writes it out again.
func rewrite(text string, change func(root *yaml.Node) bool) (string, error) {
	root, err := parseYAML(text)
	if err != nil || root == nil {
		return text, err
	}
	// Without aliases, a value can be replaced where it stands and nowhere
	// else.
	if root, err = expand(root); err != nil {
		return "", err
	}
	if !change(root) {
		return text, nil
	}
	return writeYAML(root)
}

// normaliseEndpoints turns "db: mysql" into "db: {interface: mysql}".
func normaliseEndpoints(root *yaml.Node) (changed bool) {
	for _, role := range []string{"provides", "requires", "peers"} {
		eachValue(value(root, role), func(endpoint *yaml.Node) {
			if endpoint.Kind != yaml.ScalarNode {
				return
			}
			changed = true
			iface := *endpoint
			iface.HeadComment, iface.FootComment = "", ""
			*endpoint = yaml.Node{
				Kind:        yaml.MappingNode,
				Tag:         "!!map",
				Content:     []*yaml.Node{text("interface"), &iface},
				HeadComment: endpoint.HeadComment,
				FootComment: endpoint.FootComment,
			}
		})
	}
	return changed
}

// normaliseOptions gives an option without a type the type that it has by
// default.
func normaliseOptions(root *yaml.Node) (changed bool) {
	eachValue(value(root, "options"), func(option *yaml.Node) {
		if option.Kind == yaml.ScalarNode {
			// An option that is only named: parsing lets nothing but null
			// through.
			*option = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		}
		switch t := optionType(option); {
		case t == nil:
			option.Content = append(option.Content, text("type"), text("string"))
		case t.Value == "" || isNull(t):
			*t = *text("string")
		default:
			return
		}
		changed = true
	})
	return changed
}

// optionType returns the type that an option says, itself or by a merge key,
// nil if it says none.
func optionType(option *yaml.Node) *yaml.Node {
	if t := value(option, "type"); t != nil {
		return t
	}
	merged := value(option, "<<")
	if merged == nil {
		return nil
	}
	if merged.Kind != yaml.SequenceNode {
		return optionType(merged)
	}
	for _, one := range merged.Content {
		if t := optionType(one); t != nil {
			return t
		}
	}
	return nil
}

func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }
