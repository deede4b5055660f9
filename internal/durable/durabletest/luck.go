package durabletest

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
)

// luck decides what becomes of that which was not synced.
type luck interface {
	// entry chooses what a name leads to, nil for nothing: synced is what it did
	// when its directory was last synced, now what it does now.
	entry(synced, now *node) *node
	// data chooses what a file holds.
	data(synced, now []byte) []byte
}

// strict has all of it lost.
type strict struct{}

func (strict) entry(synced, _ *node) *node  { return synced }
func (strict) data(synced, _ []byte) []byte { return synced }

// lucky tosses a coin.
type lucky struct {
	rand *rand.Rand
	// moves remembers the toss for the file that a change of names is about. A
	// file that is moved changes two names, and either both changes are on
	// the disk or neither, as on any file system with a journal.
	moves map[*node]bool
}

func newLucky(r *rand.Rand) *lucky {
	return &lucky{rand: r, moves: make(map[*node]bool)}
}

func (l *lucky) entry(synced, now *node) *node {
	if synced == now {
		return now
	}
	moved := now
	if moved == nil {
		moved = synced
	}
	reached, tossed := l.moves[moved]
	if !tossed {
		reached = l.rand.IntN(2) == 0
		l.moves[moved] = reached
	}
	if reached {
		return now
	}
	return synced
}

func (l *lucky) data(synced, now []byte) []byte {
	if bytes.Equal(synced, now) {
		return now
	}
	switch l.rand.IntN(3) {
	case 0:
		return synced
	case 1:
		return now
	}
	return now[:l.rand.IntN(len(now)+1)]
}

// sortedNames returns the names of both, in an order that makes a seed repeatable.
func sortedNames(a, b map[string]*node) []string {
	all := maps.Clone(b)
	if all == nil {
		all = make(map[string]*node)
	}
	maps.Copy(all, a)
	return slices.Sorted(maps.Keys(all))
}
