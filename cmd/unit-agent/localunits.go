package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/juju/names/v4"

	"github.com/unit-agent/unit-agent/uniter"
)

// localUnits returns the units that have a home in the data directory, or the
// one that is named.
func (p *program) localUnits(named []string) ([]string, error) {
	if len(named) > 0 {
		if err := checkUnitNames(named); err != nil {
			return nil, err
		}
		for _, unit := range named {
			if _, err := os.Stat(uniter.HomeOf(p.dataDir, unit).Dir); errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("unit %q has never run here (in %s)", unit, p.dataDir)
			} else if err != nil {
				return nil, err
			}
		}
		return named, nil
	}
	entries, err := os.ReadDir(p.unitsDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list the units of this machine: %w", err)
	}
	var units []string
	for _, entry := range entries {
		if unit, ok := unitOfHome(entry.Name()); ok {
			units = append(units, unit)
		}
	}
	slices.SortFunc(units, compareUnits)
	return units, nil
}

// unitsDir is the directory of the homes of units.
func (p *program) unitsDir() string { return filepath.Join(p.dataDir, "units") }

// unitOfHome returns the unit whose home has the given name.
func unitOfHome(name string) (unit string, ok bool) {
	cut := strings.LastIndexByte(name, '-')
	if cut < 0 {
		return "", false
	}
	unit = name[:cut] + "/" + name[cut+1:]
	return unit, names.IsValidUnit(unit)
}

// compareUnits puts units in the order of their applications and numbers.
func compareUnits(a, b string) int {
	appA, numberA, _ := strings.Cut(a, "/")
	appB, numberB, _ := strings.Cut(b, "/")
	return cmp.Or(strings.Compare(appA, appB), compareIds(numberA, numberB))
}
