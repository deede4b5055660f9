package hooktool

import (
	"context"
	"strings"

	"github.com/unit-agent/unit-agent/model"
)

var portTools = []tool{
	{"open-port", func(c *Context) command { return &changePort{hook: c, change: (*portBuffer).open} }},
	{"close-port", func(c *Context) command { return &changePort{hook: c, change: (*portBuffer).close} }},
	{"opened-ports", func(c *Context) command { return &openedPorts{hook: c} }},
}

// changePort opens or closes a range of ports when the hook has ended well.
type changePort struct {
	hook      *Context
	change    func(*portBuffer, model.PortRange) error
	endpoints string
	ports     model.PortRange
}

func (cmd *changePort) flags(fs *flagSet) { fs.text(&cmd.endpoints, "endpoints") }

func (cmd *changePort) args(args []string) error {
	if len(args) == 0 {
		return usagef("no port or range specified")
	}
	ports, err := parsePortRange(args[0])
	if err != nil {
		return err
	}
	ports.Endpoints = splitNames(cmd.endpoints)
	cmd.ports = ports
	return noMoreArgs(args[1:])
}

func (cmd *changePort) run(ctx context.Context, _ *result) error {
	ports, err := cmd.hook.portsBuffer(ctx)
	if err != nil {
		return err
	}
	return cmd.change(ports, cmd.ports)
}

// openedPorts prints what is open, this hook's changes included.
type openedPorts struct {
	printer
	hook      *Context
	endpoints bool
}

func (cmd *openedPorts) flags(fs *flagSet) {
	cmd.printer.flags(fs)
	fs.boolean(&cmd.endpoints, "endpoints")
}

func (cmd *openedPorts) args(args []string) error { return noMoreArgs(args) }

func (cmd *openedPorts) run(ctx context.Context, res *result) error {
	ports, err := cmd.hook.portsBuffer(ctx)
	if err != nil {
		return err
	}
	list := []string{}
	for _, ports := range ports.now {
		text := ports.String()
		if cmd.endpoints {
			names := "*"
			if len(ports.Endpoints) > 0 {
				names = strings.Join(ports.Endpoints, ", ")
			}
			text += " (" + names + ")"
		}
		list = append(list, text)
	}
	return cmd.print(res, list)
}
