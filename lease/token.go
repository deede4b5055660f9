package lease

import "fmt"

// Token is part of Checker.
func (b *bound) Token(leaseName, holderName string) Token {
	return token{b, leaseName, holderName}
}

type token struct {
	*bound
	leaseName  string
	holderName string
}

// Check is part of Token. It asks nobody if the store shows that the statement
// is true, and refreshes the store once before it says that it is not.
func (t token) Check(attempt int, trapdoorKey any) error {
	key, err := t.key(t.leaseName)
	if err == nil {
		err = t.checkHolder(t.holderName)
	}
	if err != nil {
		return fmt.Errorf("cannot check lease %q: %w", t.leaseName, err)
	}
	if t.m.isDying() {
		return t.m.stopped()
	}
	info, held := t.m.lookup(key)
	if !t.holds(info, held) || isOver(info, t.m.config.Clock.Now()) {
		if err := t.m.refresh(); err != nil {
			return fmt.Errorf("cannot check lease %q: %w", t.leaseName, err)
		}
		info, held = t.m.lookup(key)
		if !t.holds(info, held) || t.m.lapsed(key, info) {
			return ErrNotHeld
		}
	}
	if info.Trapdoor == nil {
		return LockedTrapdoor(attempt, trapdoorKey)
	}
	return info.Trapdoor(attempt, trapdoorKey)
}

func (t token) holds(info Info, held bool) bool {
	return held && info.Holder == t.holderName
}

// lapsed tells whether a lease that the store shows is worth nothing any more:
// its time is over, it is not pinned, and it is only there because nobody has
// expired it yet. A store that expires leases itself knows better than the
// expiry time, once it is refreshed.
func (m *ManagerWorker) lapsed(key Key, info Info) bool {
	if m.config.Store.Autoexpire() || !isOver(info, m.config.Clock.Now()) {
		return false
	}
	return len(m.config.Store.Pinned()[key]) == 0
}
