package hooktool

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// errHelp is the error of parse when the arguments ask for help.
var errHelp = errors.New("help requested")

// flagSet knows the flags of one call. Flags and other arguments may be mixed.
type flagSet struct {
	flags map[string]*flag // by name without dashes; one letter is a short flag
}

type flag struct {
	set func(string) error
	// boolean flags take a value only after "=".
	boolean bool
}

func newFlagSet() *flagSet { return &flagSet{flags: make(map[string]*flag)} }

// bind declares a flag that takes a value.
func (fs *flagSet) bind(set func(string) error, names ...string) {
	fs.add(&flag{set: set}, names)
}

// text declares a flag that takes any value.
func (fs *flagSet) text(to *string, names ...string) {
	fs.bind(func(s string) error { *to = s; return nil }, names...)
}

// boolean declares a flag that is true if it is there, or what it is given after "=".
func (fs *flagSet) boolean(to *bool, names ...string) {
	fs.add(&flag{boolean: true, set: func(s string) (err error) {
		*to, err = strconv.ParseBool(s)
		return err
	}}, names)
}

func (fs *flagSet) add(f *flag, names []string) {
	for _, name := range names {
		fs.flags[name] = f
	}
}

// parse sets the flags that args name and returns the arguments that are none. "--" ends
// the flags, and a lone "-" is not one. Its errors are usage errors, or errHelp.
func (fs *flagSet) parse(args []string) (positional []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			return append(positional, args...), nil
		case len(arg) < 2 || arg[0] != '-':
			positional = append(positional, arg)
		case arg[1] == '-':
			args, err = fs.long(arg, args)
		default:
			args, err = fs.short(arg, args)
		}
		if err != nil {
			return nil, err
		}
	}
	return positional, nil
}

// long handles --name, --name=value and --name value.
func (fs *flagSet) long(arg string, rest []string) ([]string, error) {
	name, value, given := strings.Cut(arg[2:], "=")
	if name == "" || name[0] == '-' {
		return nil, usagef("bad option syntax: %s", arg)
	}
	f := fs.flags[name]
	if f == nil || len(name) == 1 {
		return nil, unknown(name, "--"+name)
	}
	if !given && f.boolean {
		value, given = "true", true
	}
	return f.apply("--"+name, value, given, rest)
}

// short handles -x, -xvalue, -x value, -x=value and boolean flags in one word, as -xy.
func (fs *flagSet) short(arg string, rest []string) ([]string, error) {
	letters := arg[1:]
	for letters != "" {
		_, size := utf8.DecodeRuneInString(letters)
		name := letters[:size]
		letters = letters[size:]
		f := fs.flags[name]
		if f == nil {
			return nil, unknown(name, "-"+name)
		}
		value, given := strings.CutPrefix(letters, "=")
		if !f.boolean || given {
			return f.apply("-"+name, value, given || letters != "", rest)
		}
		if _, err := f.apply("-"+name, "true", true, nil); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// apply gives the flag its value, the next argument if none is given, and returns what
// arguments remain.
func (f *flag) apply(spelling, value string, given bool, rest []string) ([]string, error) {
	if !given {
		if len(rest) == 0 {
			return nil, usagef("option needs an argument: %s", spelling)
		}
		value, rest = rest[0], rest[1:]
	}
	if err := f.set(value); err != nil {
		kind := "value"
		if f.boolean {
			kind = "boolean value"
		}
		return nil, usagef("invalid %s %q for option %s: %v", kind, value, spelling, err)
	}
	return rest, nil
}

func unknown(name, spelling string) error {
	if name == "help" || name == "h" {
		return errHelp
	}
	return usagef("option provided but not defined: %s", spelling)
}
