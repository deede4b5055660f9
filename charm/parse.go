package charm

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	jujucharm "github.com/juju/charm/v12"
)

// Names of a charm's files.
const (
	metadataFile   = "metadata.yaml"
	configFile     = "config.yaml"
	actionsFile    = "actions.yaml"
	charmcraftFile = "charmcraft.yaml"
	revisionFile   = "revision"
	versionFile    = "version"
	ignoreFile     = ".jujuignore"
)

// Parse returns the charm that the texts declare, after checking them as [Read]
// does.
func Parse(d Documents) (*Charm, error) {
	c, err := parse(d, splitOrigin)
	if err != nil {
		return nil, fmt.Errorf("cannot read charm: %w", err)
	}
	return c, nil
}

// origin says where each text came from, for people who have to mend it.
type origin struct{ metadata, config, actions string }

var splitOrigin = origin{metadataFile, configFile, actionsFile}

func parse(d Documents, from origin) (*Charm, error) {
	c := &Charm{Config: jujucharm.NewConfig(), Actions: jujucharm.NewActions(), Documents: d}
	steps := []struct {
		from, text string
		parse      func(text string) error
	}{
		{from.metadata, d.Metadata, c.parseMeta},
		{from.config, d.Config, c.parseConfig},
		{from.actions, d.Actions, c.parseActions},
	}
	for _, step := range steps {
		if step.text == "" && step.from != from.metadata {
			continue
		}
		if err := guarded(step.parse, step.text); err != nil {
			message := err.Error()
			if strings.HasPrefix(step.from, charmcraftFile) {
				// The text is a part of that file: its lines are not the
				// file's.
				message = oneLine(lineNumber.ReplaceAllString(message, ""))
			}
			return nil, fmt.Errorf("%s: %s", step.from, message)
		}
	}
	return c, nil
}

func (c *Charm) parseMeta(text string) error {
	if root, err := parseYAML(text); err != nil {
		return err
	} else if root == nil {
		return errors.New("it is empty: it must give at least name, summary and description")
	}
	meta, err := jujucharm.ReadMeta(strings.NewReader(text))
	if err != nil {
		return err
	}
	// The two formats differ in which keys they may hold, and ReadMeta has
	// already refused a mixture.
	format, reason := jujucharm.FormatV1, []string(nil)
	if len(meta.Containers) > 0 || meta.Assumes != nil || meta.CharmUser != "" {
		format, reason = jujucharm.FormatV2, []string{jujucharm.SelectionManifest}
	}
	if err := meta.Check(format, reason...); err != nil {
		return err
	}
	if err := checkNames(meta); err != nil {
		return err
	}
	c.Meta = meta
	return nil
}

func (c *Charm) parseConfig(text string) error {
	if _, err := parseYAML(text); err != nil {
		return err
	}
	config, err := jujucharm.ReadConfig(strings.NewReader(text))
	if err != nil {
		return err
	}
	if config.Options == nil {
		config.Options = map[string]jujucharm.Option{}
	}
	c.Config = config
	return nil
}

func (c *Charm) parseActions(text string) error {
	root, err := parseYAML(text)
	if err != nil {
		return err
	}
	if err := checkNoReferences(root); err != nil {
		return err
	}
	actions, err := jujucharm.ReadActionsYaml(c.Meta.Name, strings.NewReader(text))
	if err != nil {
		return err
	}
	c.Actions = actions
	return nil
}

// guarded runs a parser on text from outside; a panic in a parser that is not
// ours becomes an error.
func guarded(parse func(string) error, text string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it cannot be understood (%s)", oneLine(fmt.Sprint(r)))
		}
	}()
	if err := parse(text); err != nil {
		return errors.New(oneLine(err.Error()))
	}
	return nil
}

var (
	yamlNoise  = regexp.MustCompile(`\byaml: (unmarshal errors:)?\s*`)
	lineNumber = regexp.MustCompile(`\b((at|on) )?line [0-9]+:? ?`)
)

// oneLine makes a message fit for one line of a terminal.
func oneLine(message string) string {
	return strings.Join(strings.Fields(yamlNoise.ReplaceAllString(message, "")), " ")
}
