package client

const portArguments = `
PORTS is a port or a range of ports with a protocol (tcp if left out), or icmp:
80, 80/tcp, 8000-8010/udp, icmp. It takes effect when the hook has ended well.

Options:
  --endpoints A,B
        for these endpoints only
`

var portUsage = [...]usage{
	{"open-port", `Usage: open-port [options] PORTS

Say that the unit serves on PORTS. Ports that another unit on the machine has opened
cannot be opened.
` + portArguments},

	{"close-port", `Usage: close-port [options] PORTS

Say that the unit no longer serves on PORTS.
` + portArguments},

	{"opened-ports", `Usage: opened-ports [options]

Print the ports that the unit has open, with what this hook has opened and closed.

Options:
  --endpoints
        print for which endpoints too (*: all)
` + outputOptions},
}
