package relation

import (
	"cmp"
	"slices"
	"strings"
)

// sorter sorts entries by what they are due, then by name.
//
// The names of one relation's units are much alike, and an event may bring
// thousands of them. So a name is reduced to the few bytes that come after what
// all names begin with, as a number, and it is mostly numbers that are sorted.
type sorter struct {
	keys, spare []sortKey
}

// sortKey is an entry with its place in the order. Of two entries the one with
// the smaller number goes first; with equal numbers, the one with the smaller name.
type sortKey struct {
	number uint64
	entry  *entry
}

const (
	keyBytes = 8
	keyNames = keyBytes - 1
)

// sort sorts entries, which must not be empty.
func (s *sorter) sort(entries []*entry) {
	skip := commonPrefix(entries)
	keys := slices.Grow(s.keys[:0], len(entries))[:len(entries)]
	for i, e := range entries {
		keys[i] = sortKey{sortNumber(e, skip), e}
	}
	s.keys = keys

	// Below this length, comparing is faster than counting.
	const many = 256
	if len(keys) < many {
		sortKeys(keys)
	} else {
		s.spare = slices.Grow(s.spare[:0], len(keys))[:len(keys)]
		keys = sortByNumber(keys, s.spare)
		sortEqualNumbers(keys)
	}
	for i, key := range keys {
		entries[i] = key.entry
	}
	clear(s.keys)
	clear(s.spare)
}

// sortNumber has what the entry is due in the first byte, and in the others the
// bytes of the name that follow those to skip.
func sortNumber(e *entry, skip int) uint64 {
	number := uint64(e.due())
	name := e.name[min(skip, len(e.name)):]
	if len(name) > keyNames {
		name = name[:keyNames]
	}
	for i := range len(name) {
		number = number<<8 | uint64(name[i])
	}
	return number << (8 * (keyNames - len(name)))
}

// commonPrefix returns the length of what all names begin with.
func commonPrefix(entries []*entry) int {
	prefix := entries[0].name
	for _, e := range entries {
		for !strings.HasPrefix(e.name, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return len(prefix)
}

// sortKeys sorts keys by comparing them.
func sortKeys(keys []sortKey) {
	slices.SortFunc(keys, func(a, b sortKey) int {
		if a.number != b.number {
			return cmp.Compare(a.number, b.number)
		}
		return strings.Compare(a.entry.name, b.entry.name)
	})
}

// sortByNumber sorts keys by their numbers only, one byte after the other from
// the last to the first. It needs a spare slice of the same length, and returns the
// one that holds the result.
func sortByNumber(keys, spare []sortKey) []sortKey {
	var counts [keyBytes][256]int32
	for _, key := range keys {
		for i := range keyBytes {
			counts[i][byte(key.number>>(8*i))]++
		}
	}
	for i := range keyBytes {
		// From here on, counts say where the next key with this byte goes.
		starts := &counts[i]
		if int(starts[byte(keys[0].number>>(8*i))]) == len(keys) {
			continue // All have the same byte.
		}
		start := int32(0)
		for b, count := range starts {
			starts[b] = start
			start += count
		}
		for _, key := range keys {
			b := byte(key.number >> (8 * i))
			spare[starts[b]] = key
			starts[b]++
		}
		keys, spare = spare, keys
	}
	return keys
}

// sortEqualNumbers puts right the order among keys with equal numbers.
func sortEqualNumbers(keys []sortKey) {
	start := 0
	for i := 1; i <= len(keys); i++ {
		if i == len(keys) || keys[i].number != keys[start].number {
			if i-start > 1 {
				sortKeys(keys[start:i])
			}
			start = i
		}
	}
}
