package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	jujucharm "github.com/juju/charm/v12"
)

// parseBundle reads the documents of a bundle's text: the first, and overlays to
// it. Files that it includes are relative to dir. No text makes it panic.
func parseBundle(text []byte, dir string) (data *jujucharm.BundleData, err error) {
	defer func() {
		// The reader was made for bundles that were checked before.
		if fault := recover(); fault != nil {
			data, err = nil, fmt.Errorf("it is not a bundle: %v", fault)
		}
	}()
	source, err := jujucharm.StreamBundleDataSource(bytes.NewReader(text), dir)
	if err != nil {
		return nil, err
	}
	if len(source.Parts()) == 0 {
		return nil, errors.New("it is empty")
	}
	for i, part := range source.Parts() {
		if part.UnmarshallError != nil {
			return nil, part.UnmarshallError
		}
		if part.Data == nil {
			return nil, fmt.Errorf("document %d is empty", i)
		}
	}
	return jujucharm.ReadAndMergeBundleData(source)
}

// settingTexts writes options as a person would type them.
func settingTexts(options map[string]any) (map[string]string, error) {
	texts := make(map[string]string, len(options))
	for key, value := range options {
		switch value := value.(type) {
		case nil:
		case string:
			texts[key] = value
		case bool:
			texts[key] = strconv.FormatBool(value)
		case int, int64, uint64:
			texts[key] = fmt.Sprint(value)
		case float64:
			texts[key] = strconv.FormatFloat(value, 'f', -1, 64)
		default:
			return nil, fmt.Errorf("option %q is neither a text, a number nor a boolean", key)
		}
	}
	return texts, nil
}

// ignoredFields names what a bundle asks for an application that does not exist
// here.
func ignoredFields(spec *jujucharm.ApplicationSpec) []string {
	var ignored []string
	for _, field := range []struct {
		name  string
		given bool
	}{
		{"bindings", len(spec.EndpointBindings) > 0},
		{"constraints", spec.Constraints != ""},
		{"devices", len(spec.Devices) > 0},
		{"expose", spec.Expose || len(spec.ExposedEndpoints) > 0},
		{"offers", len(spec.Offers) > 0},
		{"resources", len(spec.Resources) > 0},
		{"storage", len(spec.Storage) > 0},
		{"to", len(spec.To) > 0},
	} {
		if field.given {
			ignored = append(ignored, field.name)
		}
	}
	return ignored
}
