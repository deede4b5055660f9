package relation

// RelationUnitsChange is one event of a relation's remote side. The first one
// that a RelationUnitsWatcher sends is the whole present state; each later one
// is what became different since.
type RelationUnitsChange struct {
	// Changed holds the units that are in the relation and new, or whose
	// settings have another version than before.
	Changed map[string]UnitSettings

	// AppChanged maps an application to the version of its settings. Settings
	// that were never written have version 0, and need not be named.
	AppChanged map[string]int64

	// Departed names the units that left the relation. A unit that is in
	// Changed as well has departed.
	Departed []string
}

// UnitSettings identifies the settings of a unit in a relation.
type UnitSettings struct {
	// Version is different for different settings. Nothing else can be
	// learnt from it: a larger one need not be newer.
	Version int64
}

// RelationUnitsWatcher produces RelationUnitsChange events until stopped, or
// until it encounters an error. It must not close its Changes channel without
// signalling an error via Stop and Err.
type RelationUnitsWatcher interface {
	// Err returns the error that ended the watcher.
	Err() error

	// Stop ends the watcher, waits until it has ended, and returns the error
	// that ended it, if there was one.
	Stop() error

	// Changes returns the channel on which the events are sent.
	Changes() <-chan RelationUnitsChange
}
