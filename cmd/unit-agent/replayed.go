package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/unit-agent/unit-agent/uniter/hook"
)

// replayedRelation is what a unit knows of a relation.
type replayedRelation struct {
	Unit     string         `json:"unit,omitempty" yaml:"unit,omitempty"`
	Relation int            `json:"relation-id" yaml:"relation-id"`
	Endpoint string         `json:"endpoint,omitempty" yaml:"endpoint,omitempty"`
	Members  []memberInfo   `json:"members" yaml:"members"`
	Apps     []memberInfo   `json:"applications,omitempty" yaml:"applications,omitempty"`
	Pending  *replayedHook  `json:"pending,omitempty" yaml:"pending,omitempty"`
	AtEnd    []replayedHook `json:"at-end" yaml:"at-end"`
	// Due is nil if no store said what is present.
	Due []replayedHook `json:"due" yaml:"due"`
}

type memberInfo struct {
	Name    string `json:"name" yaml:"name"`
	Version int64  `json:"change-version" yaml:"change-version"`
}

type replayedHook struct {
	Kind              string `json:"kind" yaml:"kind"`
	RemoteUnit        string `json:"remote-unit,omitempty" yaml:"remote-unit,omitempty"`
	RemoteApplication string `json:"remote-application,omitempty" yaml:"remote-application,omitempty"`
	Version           int64  `json:"change-version,omitempty" yaml:"change-version,omitempty"`
}

func (h replayedHook) String() string {
	text := h.Kind
	if remote := cmp.Or(h.RemoteUnit, h.RemoteApplication); remote != "" {
		text += " " + remote
	}
	if h.Version != 0 {
		text += " (version " + strconv.FormatInt(h.Version, 10) + ")"
	}
	return text
}

func memberInfos(versions map[string]int64) []memberInfo {
	infos := make([]memberInfo, 0, len(versions))
	for _, name := range slices.SortedFunc(maps.Keys(versions), compareUnits) {
		infos = append(infos, memberInfo{Name: name, Version: versions[name]})
	}
	return infos
}

func replayedHooks(due []hook.Info) []replayedHook {
	shown := make([]replayedHook, 0, len(due))
	for _, info := range due {
		shown = append(shown, replayedHook{
			Kind:              string(info.Kind),
			RemoteUnit:        info.RemoteUnit,
			RemoteApplication: info.RemoteApplication,
			Version:           info.ChangeVersion,
		})
	}
	return shown
}

func printReplay(w io.Writer, replayed []replayedRelation) error {
	if len(replayed) == 0 {
		_, err := fmt.Fprintln(w, "No relation has state here.")
		return err
	}
	for i, r := range replayed {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "relation %d%s%s\n", r.Relation, prefixed(" ", r.Endpoint), prefixed(" of ", r.Unit))
		printLines(w, "members", memberTexts(r.Members))
		if len(r.Apps) > 0 {
			printLines(w, "applications", memberTexts(r.Apps))
		}
		if r.Pending != nil {
			printLines(w, "pending", []string{r.Pending.String()})
		}
		printLines(w, "at its end", hookTexts(r.AtEnd))
		if r.Due != nil {
			printLines(w, "due now", hookTexts(r.Due))
		}
	}
	return nil
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func printLines(w io.Writer, title string, lines []string) {
	if len(lines) == 0 {
		lines = []string{"none"}
	}
	for _, line := range lines {
		fmt.Fprintf(w, "  %-12s  %s\n", title, line)
		title = ""
	}
}

func memberTexts(members []memberInfo) []string {
	var texts []string
	for _, member := range members {
		texts = append(texts, fmt.Sprintf("%s (version %d)", member.Name, member.Version))
	}
	return texts
}

func hookTexts(shown []replayedHook) []string {
	var texts []string
	for _, h := range shown {
		texts = append(texts, h.String())
	}
	return texts
}
