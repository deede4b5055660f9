package statedir

import (
	"strconv"
	"strings"
)

// applicationSuffix ends the name of an application file. No application name has
// a dot in it, and no unit file's name ends like this.
const applicationSuffix = ".application"

// unitFileName returns the name of a unit's file, or false if unit is not a unit
// name.
func unitFileName(unit string) (string, bool) {
	app, number, ok := strings.Cut(unit, "/")
	if !ok || !isApplicationName(app) || !isNumber(number) {
		return "", false
	}
	return app + "-" + number, true
}

// unitOfFile returns the unit whose file has the name, or false if it is not the
// name of a unit file.
func unitOfFile(name string) (unit string, ok bool) {
	i := strings.LastIndexByte(name, '-')
	if i < 0 || !isNumber(name[i+1:]) || !isApplicationName(name[:i]) {
		return "", false
	}
	return name[:i] + "/" + name[i+1:], true
}

// applicationOfFile returns the application whose file has the name, or false if
// it is not the name of an application file.
func applicationOfFile(name string) (application string, ok bool) {
	application, ok = strings.CutSuffix(name, applicationSuffix)
	return application, ok && isApplicationName(application)
}

// relationOfDir returns the relation whose directory has the name, or false if it
// is not the name of a relation directory.
func relationOfDir(name string) (id int, ok bool) {
	if !isNumber(name) {
		return 0, false
	}
	id, err := strconv.Atoi(name)
	return id, err == nil
}

// isNumber reports whether s is a decimal number in its one true spelling.
func isNumber(s string) bool {
	if s == "" || s[0] == '0' && s != "0" {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// isApplicationName is names.IsValidApplication, without the regular expression:
// the reader asks it for each of thousands of files.
func isApplicationName(s string) bool {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	// Every part between dashes has a letter in it.
	letter := false
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z':
			letter = true
		case '0' <= c && c <= '9':
		case c == '-' && letter:
			letter = false
		default:
			return false
		}
	}
	return letter
}
