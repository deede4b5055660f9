package hooktool

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/unit-agent/unit-agent/model"
)

const maxPort = 65535

// parsePortRange reads 80, 80/tcp, 8000-8010/udp or icmp, in either case.
func parsePortRange(spec string) (model.PortRange, error) {
	ports, protocol, given := strings.Cut(strings.ToLower(spec), "/")
	if !given {
		if ports == "icmp" {
			return model.PortRange{Protocol: "icmp"}, nil
		}
		protocol = "tcp"
	}
	first, last, isRange := strings.Cut(ports, "-")
	if !isRange {
		last = first
	}
	from, err := parsePort(first)
	if err != nil {
		return model.PortRange{}, err
	}
	to, err := parsePort(last)
	if err != nil {
		return model.PortRange{}, err
	}
	switch {
	case protocol == "icmp":
		return model.PortRange{}, usagef(`protocol "icmp" has no ports, got %q`, ports)
	case protocol != "tcp" && protocol != "udp":
		return model.PortRange{}, usagef(`invalid protocol %q, expected "tcp", "udp", or "icmp"`, protocol)
	case from > to:
		return model.PortRange{}, usagef("invalid port range %d-%d/%s", from, to, protocol)
	case to > maxPort:
		return model.PortRange{}, usagef("port range bounds must be between 0 and %d, got %d-%d", maxPort, from, to)
	}
	return model.PortRange{Protocol: protocol, From: from, To: to}, nil
}

func parsePort(text string) (int, error) {
	port, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, usagef("invalid port %q: %v", text, errors.Unwrap(err))
	}
	return int(port), nil
}

// splitNames reads a list with commas, sorted and without repetition; nil if there is
// nothing in it.
func splitNames(list string) []string {
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
