package main

import (
	"errors"

	"github.com/unit-agent/unit-agent/model"
)

// advice says what to do about an error that does not say so itself.
func advice(err error) string {
	var exists *model.AlreadyExistsError
	switch {
	case model.IsNotFound(err):
		return ": see 'unit-agent status'"
	case errors.Is(err, model.ErrNoRelations):
		return ": one must provide an interface that the other requires, see the metadata.yaml of their charms"
	case errors.As(err, &exists) && exists.Noun == "application":
		return ": give another name, or add units to it with 'unit-agent add-unit'"
	}
	return ""
}
