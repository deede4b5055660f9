package model

import (
	"cmp"
	"slices"
	"strconv"
)

// PortRange is a range of ports of one protocol.
type PortRange struct {
	// Protocol is "tcp", "udp" or "icmp".
	Protocol string `json:"protocol"`
	// From and To are the first and the last port; both 0 for icmp.
	From int `json:"from"`
	To   int `json:"to"`
	// Endpoints are the endpoints that the range is open for, sorted; none means all.
	Endpoints []string `json:"endpoints,omitempty"`
}

// String returns the range as people write it, without its endpoints: "80/tcp", "8000-8010/udp", "icmp".
func (p PortRange) String() string {
	switch {
	case p.Protocol == "icmp":
		return p.Protocol
	case p.From == p.To:
		return strconv.Itoa(p.From) + "/" + p.Protocol
	}
	return strconv.Itoa(p.From) + "-" + strconv.Itoa(p.To) + "/" + p.Protocol
}

// SameRange tells whether two ranges are of the same ports and protocol.
func (p PortRange) SameRange(other PortRange) bool {
	return p.Protocol == other.Protocol && p.From == other.From && p.To == other.To
}

// Overlaps tells whether two ranges have a port of the same protocol in common.
func (p PortRange) Overlaps(other PortRange) bool {
	return p.Protocol == other.Protocol && p.From <= other.To && other.From <= p.To
}

// ApplyPorts returns what is open after the ranges in closed were closed, and then those in opened opened. all are
// the endpoints of the charm, needed where a range that is open for all endpoints is closed for some.
// The result is sorted by protocol and number, nil if nothing is open. No argument is changed.
func ApplyPorts(ports, opened, closed []PortRange, all []string) []PortRange {
	var result []PortRange
	for _, p := range ports {
		p.Endpoints = slices.Clone(p.Endpoints)
		result = append(result, p)
	}
	for _, p := range closed {
		result = closePort(result, p, all)
	}
	for _, p := range opened {
		result = openPort(result, p)
	}
	if len(result) == 0 {
		return nil
	}
	slices.SortFunc(result, func(a, b PortRange) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return result
}

func openPort(ports []PortRange, p PortRange) []PortRange {
	i := slices.IndexFunc(ports, p.SameRange)
	if i < 0 {
		p.Endpoints = sortedSet(p.Endpoints)
		return append(ports, p)
	}
	if len(p.Endpoints) == 0 || len(ports[i].Endpoints) == 0 {
		ports[i].Endpoints = nil
	} else {
		ports[i].Endpoints = sortedSet(append(ports[i].Endpoints, p.Endpoints...))
	}
	return ports
}

func closePort(ports []PortRange, p PortRange, all []string) []PortRange {
	i := slices.IndexFunc(ports, p.SameRange)
	if i < 0 {
		return ports
	}
	left := ports[i].Endpoints
	if len(left) == 0 {
		left = sortedSet(all)
	}
	left = slices.DeleteFunc(left, func(endpoint string) bool { return slices.Contains(p.Endpoints, endpoint) })
	if len(p.Endpoints) == 0 || len(left) == 0 {
		return slices.Delete(ports, i, i+1)
	}
	ports[i].Endpoints = left
	return ports
}

// sortedSet returns the sorted names without repetitions, nil if there is none.
func sortedSet(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}
