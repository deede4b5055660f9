package hooktool

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/uniter/hooktool/client"
)

// parsed is what became of some arguments.
type parsed struct {
	Yes, All   bool
	Text, Name string
	Rest       []string
}

func parseFlags(args []string) (parsed, error) {
	var p parsed
	fs := newFlagSet()
	fs.boolean(&p.Yes, "y", "yes")
	fs.boolean(&p.All, "a")
	fs.text(&p.Text, "text", "t")
	fs.bind(func(s string) error {
		if s == "bad" {
			return errors.New("it is bad")
		}
		p.Name = s
		return nil
	}, "name")
	rest, err := fs.parse(args)
	p.Rest = rest
	return p, err
}

func TestFlags(t *testing.T) {
	for _, test := range []struct {
		args string
		want parsed
	}{
		{"", parsed{}},
		{"a b", parsed{Rest: []string{"a", "b"}}},
		{"--yes", parsed{Yes: true}},
		{"-y", parsed{Yes: true}},
		{"a --yes b -t x c", parsed{Yes: true, Text: "x", Rest: []string{"a", "b", "c"}}},
		{"--text=x", parsed{Text: "x"}},
		{"--text x", parsed{Text: "x"}},
		{"--text=", parsed{}},
		{"--text=a=b", parsed{Text: "a=b"}},
		{"--text --yes", parsed{Text: "--yes"}},
		{"--text -- --yes", parsed{Text: "--", Yes: true}},
		{"--text -", parsed{Text: "-"}},
		{"-t x", parsed{Text: "x"}},
		{"-tx", parsed{Text: "x"}},
		{"-text", parsed{Text: "ext"}},
		{"-t=x", parsed{Text: "x"}},
		{"-t -y", parsed{Text: "-y"}},
		{"-ya", parsed{Yes: true, All: true}},
		{"-yat x", parsed{Yes: true, All: true, Text: "x"}},
		{"-yatx", parsed{Yes: true, All: true, Text: "x"}},
		{"-y=false -a=1", parsed{All: true}},
		{"--yes=True", parsed{Yes: true}},
		{"--yes=TRUE", parsed{Yes: true}},
		{"--yes=t", parsed{Yes: true}},
		{"--yes=1", parsed{Yes: true}},
		{"--yes --yes=False", parsed{}},
		{"--yes=F --yes", parsed{Yes: true}},
		{"--yes false", parsed{Yes: true, Rest: []string{"false"}}},
		{"-", parsed{Rest: []string{"-"}}},
		{"- --yes", parsed{Yes: true, Rest: []string{"-"}}},
		{"a -- --yes -- b", parsed{Rest: []string{"a", "--yes", "--", "b"}}},
		{"-- -h", parsed{Rest: []string{"-h"}}},
		{"--text=a --text=b", parsed{Text: "b"}},
	} {
		got, err := parseFlags(strings.Fields(test.args))
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %+v, %v, want %+v", test.args, got, err, test.want)
		}
	}
}

func TestFlagErrors(t *testing.T) {
	for args, want := range map[string]string{
		"--no":          "option provided but not defined: --no",
		"--no=x":        "option provided but not defined: --no",
		"-n":            "option provided but not defined: -n",
		"-yn":           "option provided but not defined: -n",
		"-é":            "option provided but not defined: -é",
		"--y":           "option provided but not defined: --y",
		"---yes":        "bad option syntax: ---yes",
		"--=x":          "bad option syntax: --=x",
		"--text":        "option needs an argument: --text",
		"a -t":          "option needs an argument: -t",
		"-yt":           "option needs an argument: -t",
		"--name bad":    `invalid value "bad" for option --name: it is bad`,
		"--name=bad -h": `invalid value "bad" for option --name: it is bad`,
		"--yes=maybe":   `invalid boolean value "maybe" for option --yes: strconv.ParseBool: parsing "maybe": invalid syntax`,
		"--yes=":        `invalid boolean value "" for option --yes: strconv.ParseBool: parsing "": invalid syntax`,
		"-y=2":          `invalid boolean value "2" for option -y: strconv.ParseBool: parsing "2": invalid syntax`,
	} {
		_, err := parseFlags(strings.Fields(args))
		if !errors.As(err, new(usageError)) || err.Error() != want {
			t.Errorf("%s: got %v, want %s", args, err, want)
		}
	}
	for _, args := range []string{"--help", "-h", "a -yh", "--yes --help --no", "--help=x"} {
		if _, err := parseFlags(strings.Fields(args)); !errors.Is(err, errHelp) {
			t.Errorf("%s: got %v", args, err)
		}
	}
}

func FuzzFlags(f *testing.F) {
	for _, seed := range []string{"", "-", "--", "--yes\x00-", "-t\x00x", "--text=\x00--", "-y=\x00-yat", "\xff\x00-\xff", "--name\x00bad"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, "\x00")
		got, err := parseFlags(args)
		if err != nil {
			if !errors.Is(err, errHelp) && !errors.As(err, new(usageError)) {
				t.Errorf("%q: %v", args, err)
			}
			return
		}
		// Every argument that is not a flag is one that was given, in the order given.
		from := args
		for _, rest := range got.Rest {
			i := slices.Index(from, rest)
			if i < 0 {
				t.Fatalf("%q: %q left", args, got.Rest)
			}
			from = from[i+1:]
		}
		// What follows "--" is never a flag.
		plain, err := parseFlags(append([]string{"--"}, args...))
		if err != nil || !slices.Equal(plain.Rest, args) {
			t.Errorf("-- %q: got %q, %v", args, plain.Rest, err)
		}
	})
}

// FuzzTools parses arbitrary arguments of every tool: nothing may panic, and what is
// wrong is a usage error.
func FuzzTools(f *testing.F) {
	for i := range Names() {
		for _, seed := range []string{"", "-r\x00db:1\x00-\x00mysql/0", "a=b\x00c", "80/tcp\x00--endpoints=a", "active\x00--application\x00x", "-l\x00x\x00y"} {
			f.Add(i, seed)
		}
	}
	names := Names()
	hook := &Context{config: ContextConfig{Unit: "wordpress/0"}, application: "wordpress"}
	f.Fuzz(func(t *testing.T, i int, line string) {
		tool, ok := findTool(names[uint(i)%uint(len(names))])
		if !ok {
			t.Fatal("no tool")
		}
		cmd, err := tool.parse(hook, strings.Split(line, "\x00"))
		if (cmd == nil) != (err != nil) {
			t.Errorf("got %v and %v", cmd, err)
		}
		if err != nil {
			got := answer(tool, &result{}, err)
			if help := string(got.Stdout) == client.Usage(tool.name) && got.Code == 0; !help && got.Code != client.ExitUsage {
				t.Errorf("answered %+v for %v", got, err)
			}
			if strings.Count(string(got.Stderr), "\n") > 1 {
				t.Errorf("more than a line: %q", got.Stderr)
			}
		}
	})
}
