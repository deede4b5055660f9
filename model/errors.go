package model

import (
	"errors"
	"fmt"
)

var (
	// ErrDying is in the errors of what cannot begin because something is not alive.
	ErrDying = errors.New("not alive")
	// ErrFenced is in the errors of writes whose fence did not hold. Nothing was written.
	ErrFenced = errors.New("the right to write was lost")
	// ErrNoRelations is in the errors of two applications that have no endpoints that fit each other.
	ErrNoRelations = errors.New("no relations found")
	// ErrTooLarge is in every TooLargeError.
	ErrTooLarge = errors.New("too large")
)

// NotFoundError says what is not there.
type NotFoundError struct {
	// Noun is the thing with its name: `unit "mysql/0"`.
	Noun string
}

func (e *NotFoundError) Error() string { return e.Noun + " not found" }

// IsNotFound tells whether err is about something that is not in the model.
func IsNotFound(err error) bool {
	var target *NotFoundError
	return errors.As(err, &target)
}

// AlreadyExistsError says what is there already.
type AlreadyExistsError struct{ Noun string }

func (e *AlreadyExistsError) Error() string { return e.Noun + " already exists" }

// IsAlreadyExists tells whether err is about something that is in the model already.
func IsAlreadyExists(err error) bool {
	var target *AlreadyExistsError
	return errors.As(err, &target)
}

// ClaimedError says who runs a unit.
type ClaimedError struct {
	Unit    string
	Machine string
}

func (e *ClaimedError) Error() string {
	return fmt.Sprintf("unit %s is already run by an agent on machine %s", e.Unit, e.Machine)
}

// TooLargeError is the error of a write that the store would not take in one transaction. Nothing was written.
type TooLargeError struct {
	// Noun is what was measured: "operations in one transaction" or "bytes in one request".
	Noun   string
	Figure int
	Limit  int
	Advice string
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("too large: %d %s, and the store takes %d: %s", e.Figure, e.Noun, e.Limit, e.Advice)
}

// Is makes errors.Is(err, ErrTooLarge) true.
func (e *TooLargeError) Is(target error) bool { return target == ErrTooLarge }

func tooManyOperations(figure, limit int) error {
	return &TooLargeError{
		Noun: "operations in one transaction", Figure: figure, Limit: limit,
		Advice: "do it in several smaller steps, or raise the limit of the cluster (--max-txn-ops)",
	}
}
