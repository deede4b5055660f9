package lease

import (
	"container/heap"
	"time"
)

// deadline says when to look at a lease that is held.
type deadline struct {
	key Key
	at  time.Time

	// tries counts the times that the lease stayed held past its expiry,
	// although the manager did what it could; notBefore is when to look again
	// after the last.
	tries     int
	notBefore time.Time

	// index is the place in the heap. Invariant: heap[index] is this deadline,
	// or index is negative and it is not in the heap.
	index int
}

// deadlines finds the earliest deadline, and that of any lease, at a cost that
// hardly depends on how many there are.
type deadlines struct {
	heap  deadlineHeap
	byKey map[Key]*deadline
}

func newDeadlines() deadlines {
	return deadlines{byKey: make(map[Key]*deadline)}
}

// first returns the earliest deadline, or nil.
func (ds *deadlines) first() *deadline {
	if len(ds.heap) == 0 {
		return nil
	}
	return ds.heap[0]
}

// of returns the deadline of key, a new one that is not in the heap if there is
// none.
func (ds *deadlines) of(key Key) *deadline {
	d, ok := ds.byKey[key]
	if !ok {
		d = &deadline{key: key, index: -1}
		ds.byKey[key] = d
	}
	return d
}

// set puts the deadline at the given time.
func (ds *deadlines) set(d *deadline, at time.Time) {
	d.at = at
	if d.index < 0 {
		heap.Push(&ds.heap, d)
		return
	}
	heap.Fix(&ds.heap, d.index)
}

// park takes the deadline out of the heap. It stays known.
func (ds *deadlines) park(d *deadline) {
	if d.index >= 0 {
		heap.Remove(&ds.heap, d.index)
	}
}

// remove forgets the deadline of key.
func (ds *deadlines) remove(key Key) {
	if d, ok := ds.byKey[key]; ok {
		ds.park(d)
		delete(ds.byKey, key)
	}
}

// forgive forgets that the lease could not be expired.
func (ds *deadlines) forgive(key Key) {
	if d, ok := ds.byKey[key]; ok {
		d.tries, d.notBefore = 0, time.Time{}
	}
}

// deadlineHeap is a heap.Interface, earliest first.
type deadlineHeap []*deadline

func (h deadlineHeap) Len() int           { return len(h) }
func (h deadlineHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }

func (h deadlineHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *deadlineHeap) Push(x any) {
	d := x.(*deadline)
	d.index = len(*h)
	*h = append(*h, d)
}

func (h *deadlineHeap) Pop() any {
	last := len(*h) - 1
	d := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	d.index = -1
	return d
}
