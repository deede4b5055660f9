package model

// Life says how far a thing is on its way out.
type Life string

const (
	// Alive is the life of what is wanted.
	Alive Life = "alive"
	// Dying is the life of what was asked to go and still has work to do before it can.
	Dying Life = "dying"
	// Dead is the life of what has done its last work and is about to be removed.
	Dead Life = "dead"
)
