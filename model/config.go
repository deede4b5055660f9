package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	jujucharm "github.com/juju/charm/v12"

	"github.com/unit-agent/unit-agent/charm"
)

// trustOption is set like an option of the charm, unless the charm has one of this name.
const trustOption = "trust"

// What the value of an option comes from.
const (
	SourceUser    = "user"
	SourceDefault = "default"
	SourceUnset   = "unset"
)

// ConfigView is an application's configuration as people look at it.
type ConfigView struct {
	Application string
	// Charm is the charm's name.
	Charm   string
	Trust   bool
	Options map[string]ConfigOption
}

// ConfigOption is one option of a charm.
type ConfigOption struct {
	Type        string
	Description string
	// Value is what holds, typed (string, int64, float64, bool); nil if unset.
	Value   any
	Default any
	// Source is SourceUser, SourceDefault or SourceUnset.
	Source string
}

// SetConfig changes an application's settings: set holds values as people type them, reset names those that go back
// to their defaults. Nothing is changed if one of them is wrong.
func (m *Model) SetConfig(ctx context.Context, application string, set map[string]string, reset []string) error {
	for _, name := range reset {
		if _, both := set[name]; both {
			return fmt.Errorf("cannot set and reset key %q simultaneously", name)
		}
	}
	_, err := m.transact(ctx, nil, func(d *draft) error {
		return m.setConfig(d, application, maps.Clone(set), slices.Clone(reset))
	})
	return err
}

func (m *Model) setConfig(d *draft, application string, set map[string]string, reset []string) error {
	record, parsed, stored, err := m.loadConfig(d, application)
	if err != nil {
		return err
	}
	if _, own := parsed.Config.Options[trustOption]; !own {
		if i := slices.Index(reset, trustOption); i >= 0 {
			reset = slices.Delete(reset, i, i+1)
			record.Trust = false
		}
	}
	if err := takeTrust(parsed.Config, set, &record.Trust); err != nil {
		return err
	}
	fresh, err := parseSettings(parsed.Config, set)
	if err != nil {
		return err
	}
	settings := maps.Clone(stored.Settings)
	if settings == nil {
		settings = map[string]json.RawMessage{}
	}
	maps.Copy(settings, fresh)
	for _, name := range reset {
		if _, ok := parsed.Config.Options[name]; !ok {
			return fmt.Errorf("unknown option %q", name)
		}
		delete(settings, name)
	}
	if err := write(d, m.keys.applicationMeta(application), record); err != nil {
		return err
	}
	return write(d, m.keys.config(application), configRecord{Settings: settings})
}

// takeTrust moves trust out of settings as people type them, unless the charm has an option of this name.
func takeTrust(config *jujucharm.Config, set map[string]string, trust *bool) error {
	value, ok := set[trustOption]
	if _, own := config.Options[trustOption]; own || !ok {
		return nil
	}
	parsed, err := strconv.ParseBool(value)
	if err != nil {
		return fmt.Errorf("option %q expected boolean, got %q", trustOption, value)
	}
	delete(set, trustOption)
	*trust = parsed
	return nil
}

// loadConfig reads what an application's configuration is made of.
func (m *Model) loadConfig(d *draft, application string) (applicationRecord, *charm.Charm, configRecord, error) {
	var parsed *charm.Charm
	var stored configRecord
	if err := d.load(m.keys.applicationMeta(application), m.keys.charm(application), m.keys.config(application)); err != nil {
		return applicationRecord{}, nil, stored, err
	}
	record, err := m.wantApplication(d, application)
	if err == nil {
		parsed, err = m.wantCharm(d, application)
	}
	if err == nil {
		stored, _, err = read[configRecord](d, m.keys.config(application))
	}
	return record, parsed, stored, err
}

// wantCharm returns the parsed charm of an application that is there.
func (m *Model) wantCharm(d *draft, application string) (*charm.Charm, error) {
	record, ok, err := read[Charm](d, m.keys.charm(application))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &NotFoundError{Noun: "the charm of " + applicationNoun(application)}
	}
	parsed, err := charm.Parse(record.Documents)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", applicationNoun(application), err)
	}
	return parsed, nil
}

// ApplicationConfig returns an application's configuration.
func (m *Model) ApplicationConfig(ctx context.Context, application string) (ConfigView, error) {
	var view ConfigView
	_, err := m.transact(ctx, nil, func(d *draft) error {
		record, parsed, stored, err := m.loadConfig(d, application)
		if err != nil {
			return err
		}
		view = ConfigView{
			Application: application, Charm: parsed.Meta.Name, Trust: record.Trust,
			Options: make(map[string]ConfigOption, len(parsed.Config.Options)),
		}
		for name, option := range parsed.Config.Options {
			view.Options[name] = configOption(option, stored.Settings[name])
		}
		return nil
	})
	return view, err
}

func configOption(option jujucharm.Option, stored json.RawMessage) ConfigOption {
	result := ConfigOption{Type: option.Type, Description: option.Description, Default: option.Default, Source: SourceUnset}
	if option.Default != nil {
		result.Value, result.Source = option.Default, SourceDefault
	}
	if value, ok := settingFrom(option, stored); ok {
		result.Value, result.Source = value, SourceUser
	}
	return result
}

// parseSettings checks settings as people type them against a charm's options and returns them as they are stored.
func parseSettings(config *jujucharm.Config, typed map[string]string) (map[string]json.RawMessage, error) {
	stored := make(map[string]json.RawMessage, len(typed))
	for _, name := range slices.Sorted(maps.Keys(typed)) {
		parsed, err := config.ParseSettingsStrings(map[string]string{name: typed[name]})
		if err != nil {
			return nil, err
		}
		if parsed, err = config.ValidateSettings(parsed); err != nil {
			return nil, err
		}
		if stored[name], err = json.Marshal(parsed[name]); err != nil {
			return nil, fmt.Errorf("option %q: %w", name, err)
		}
	}
	return stored, nil
}

// settingFrom returns a stored setting in the type of its option. What does not fit the option, as after the charm
// changed its type, counts as not set.
func settingFrom(option jujucharm.Option, stored json.RawMessage) (value any, ok bool) {
	if len(stored) == 0 {
		return nil, false
	}
	var err error
	switch option.Type {
	case "int":
		value, err = decodeInto[int64](stored)
	case "float":
		value, err = decodeInto[float64](stored)
	case "boolean":
		value, err = decodeInto[bool](stored)
	case "string", "secret":
		value, err = decodeInto[string](stored)
	default:
		err = errors.ErrUnsupported
	}
	return value, err == nil
}

func decodeInto[T any](data []byte) (any, error) {
	var value *T
	if err := json.Unmarshal(data, &value); err != nil {
		return nil, err
	}
	if value == nil {
		return nil, errors.New("null")
	}
	return *value, nil
}

// effectiveConfig returns the values in effect, without and with the unset options.
func effectiveConfig(config *jujucharm.Config, stored map[string]json.RawMessage) (set, all map[string]any) {
	set, all = map[string]any{}, map[string]any{}
	for name, option := range config.Options {
		value := configOption(option, stored[name]).Value
		all[name] = value
		if value != nil {
			set[name] = value
		}
	}
	return set, all
}

// configHash returns what changes with the values in effect and with trust.
func configHash(set map[string]any, trust bool) (string, error) {
	canonical, err := json.Marshal(map[string]any{"config": set, "trust": trust})
	if err != nil {
		return "", fmt.Errorf("cannot hash the configuration: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}
