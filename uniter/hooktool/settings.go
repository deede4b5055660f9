package hooktool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"gopkg.in/yaml.v3"
)

// parsePairs reads arguments of the form key=value.
func parsePairs(args []string) (map[string]string, error) {
	pairs := make(map[string]string, len(args))
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || key == "" {
			return nil, usagef(`expected "key=value", got %q`, arg)
		}
		if _, ok := pairs[key]; ok {
			return nil, usagef("key %q specified more than once", key)
		}
		pairs[key] = value
	}
	return pairs, nil
}

// parseSettings reads a YAML or JSON map of scalars. A scalar is taken by its text, so 08,
// 1.0 and yes stay what they look like; null is the empty string.
func parseSettings(content []byte) (map[string]string, error) {
	// JSON is read as JSON because YAML has no surrogate pairs, which is how many
	// writers of JSON spell what lies beyond the basic plane.
	if trimmed := bytes.TrimSpace(content); bytes.HasPrefix(trimmed, []byte("{")) && json.Valid(trimmed) {
		return parseJSONSettings(trimmed)
	}
	var settings map[string]string
	if err := yaml.Unmarshal(content, &settings); err != nil {
		return nil, err
	}
	if settings == nil {
		settings = make(map[string]string)
	}
	return settings, checkKeys(settings)
}

func parseJSONSettings(content []byte) (map[string]string, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(content, &raw); err != nil {
		return nil, err
	}
	settings := make(map[string]string, len(raw))
	for key, value := range raw {
		text, err := scalarText(value)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", key, err)
		}
		settings[key] = text
	}
	return settings, checkKeys(settings)
}

func checkKeys(settings map[string]string) error {
	if _, ok := settings[""]; ok {
		return errors.New("a key is empty")
	}
	return nil
}

func scalarText(value json.RawMessage) (string, error) {
	switch value[0] {
	case '"':
		var text string
		err := json.Unmarshal(value, &text)
		return text, err
	case '{', '[':
		return "", errors.New("expected a string, a number or a boolean")
	case 'n':
		return "", nil
	}
	return string(value), nil
}

// changes are settings to be set, where the empty string removes a key.
type changes map[string]string

// over returns the settings as they are after the changes.
func (c changes) over(settings map[string]string) map[string]string {
	result := make(map[string]string, len(settings)+len(c))
	maps.Copy(result, settings)
	for key, value := range c {
		if value == "" {
			delete(result, key)
		} else {
			result[key] = value
		}
	}
	return result
}

// clone returns a copy.
func (c changes) clone() map[string]string { return maps.Clone(map[string]string(c)) }

// real returns those of the changes that make a difference to the settings.
func (c changes) real(settings map[string]string) changes {
	result := make(changes)
	for key, value := range c {
		if settings[key] != value {
			result[key] = value
		}
	}
	return result
}
