package main

import (
	"fmt"
	"net"
	"os"

	"github.com/unit-agent/unit-agent/model"
)

// describeMachine says what this machine is called and where it can be reached,
// the best address first.
func describeMachine() (model.Machine, error) {
	hostname, err := os.Hostname()
	if err != nil {
		return model.Machine{}, fmt.Errorf("cannot tell this machine's name: %w", err)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return model.Machine{}, fmt.Errorf("cannot list this machine's addresses: %w", err)
	}
	machine := model.Machine{Hostname: hostname}
	var rest []string
	for _, address := range addresses {
		network, ok := address.(*net.IPNet)
		if !ok || !network.IP.IsGlobalUnicast() {
			continue
		}
		if network.IP.To4() != nil {
			machine.Addresses = append(machine.Addresses, network.IP.String())
		} else {
			rest = append(rest, network.IP.String())
		}
	}
	machine.Addresses = append(machine.Addresses, rest...)
	if len(machine.Addresses) == 0 {
		machine.Addresses = []string{"127.0.0.1"}
	}
	return machine, nil
}
