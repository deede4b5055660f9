package charm

import (
	"fmt"
	"path"
	"strings"
)

// defaultIgnore is what is never part of a charm unless its .jujuignore says
// so: what version control and tools leave behind. Unlike a packer, which
// writes them itself, it lets revision and version through.
const defaultIgnore = `
.git
.svn
.hg
.bzr
.tox
/build/
`

// ignoreRule is one line of a .jujuignore file, which is written as .gitignore
// is.
type ignoreRule struct {
	keep     bool     // the line began with "!": what matches is part of the charm after all
	dirOnly  bool     // the line ended with "/"
	segments []string // the pattern for each part of a path from the charm's root; "**" stands for any number of parts
}

// ignoreRules decide which paths are no part of the charm; the last one that
// matches counts.
type ignoreRules []ignoreRule

// parseIgnore returns the default rules followed by those in text.
func parseIgnore(text string) (ignoreRules, error) {
	var rules ignoreRules
	for _, line := range strings.Split(defaultIgnore+text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		rule, err := parseIgnoreRule(line)
		if err != nil {
			return nil, fmt.Errorf("%s: bad pattern %q: check its brackets and backslashes", ignoreFile, line)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func parseIgnoreRule(line string) (ignoreRule, error) {
	var rule ignoreRule
	line, rule.keep = strings.CutPrefix(line, "!")
	line, rule.dirOnly = strings.CutSuffix(line, "/")
	// A slash anywhere but at the end ties the pattern to the root; without one
	// it matches at any depth.
	tied := strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	if !tied {
		rule.segments = append(rule.segments, "**")
	}
	rule.segments = append(rule.segments, strings.Split(line, "/")...)
	for _, segment := range rule.segments {
		if _, err := path.Match(segment, ""); err != nil {
			return ignoreRule{}, err
		}
	}
	return rule, nil
}

// ignores reports whether the file or directory at a slash-separated path from
// the root is no part of the charm. Whatever is below an ignored directory is
// ignored with it.
func (rules ignoreRules) ignores(name string, isDir bool) bool {
	parts := strings.Split(name, "/")
	for i := len(rules) - 1; i >= 0; i-- {
		rule := rules[i]
		if rule.dirOnly && !isDir {
			continue
		}
		if matchSegments(rule.segments, parts) {
			return !rule.keep
		}
	}
	return false
}

// matchSegments works through the pattern from the left, and where it met "**"
// tries again one part further on, so that its time is bounded by the product
// of the lengths.
func matchSegments(pattern, parts []string) bool {
	p, n := 0, 0
	star, starAt := -1, 0
	for n < len(parts) {
		switch {
		case p < len(pattern) && pattern[p] == "**":
			star, starAt = p, n
			p++
		case p < len(pattern) && matches(pattern[p], parts[n]):
			p++
			n++
		case star >= 0:
			starAt++
			p, n = star+1, starAt
		default:
			return false
		}
	}
	// Nothing is left to match; "a/**" is what is below a, so a "**" at the end
	// wants a part of its own.
	return p == len(pattern)
}

func matches(pattern, part string) bool {
	ok, err := path.Match(pattern, part)
	return err == nil && ok
}
