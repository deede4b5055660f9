package client

var unitUsage = [...]usage{
	{"unit-get", `Usage: unit-get [options] private-address|public-address

Print an address of the unit. network-get tells more.

Options:
` + outputOptions},
}
