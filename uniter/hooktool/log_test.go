package hooktool_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/uniter/hook"
)

func TestJujuLogArguments(t *testing.T) {
	runRows(t, []row{
		{args: "juju-log hello"},
		{args: "juju-log", usage: "no message specified"},
		{args: "juju-log -l DEBUG", usage: "no message specified"},
		{args: "juju-log -l", usage: "option needs an argument: -l"},
		{args: "juju-log --level DEBUG x", usage: "option provided but not defined: --level"},
		{args: "juju-log -l NONSENSE x"},
		{args: "juju-log --format=json x"},
	})
}

func TestJujuLog(t *testing.T) {
	const module = " unit.wordpress/0.juju-log "
	for _, test := range []struct {
		args string
		in   hook.Info
		want []string
	}{
		{args: "two words", want: []string{"0" + module + "two words"}},
		{args: "'two  words' more", want: []string{"0" + module + "two  words more"}},
		{args: "''", want: []string{"0" + module}},
		{args: "-l TRACE x", want: []string{"-8" + module + "x"}},
		{args: "-l debug x", want: []string{"-4" + module + "x"}},
		{args: "--log-level=Info x", want: []string{"0" + module + "x"}},
		{args: "--log-level WARNING x", want: []string{"4" + module + "x"}},
		{args: "-lWARN x", want: []string{"4" + module + "x"}},
		{args: "x -l ERROR", want: []string{"8" + module + "x"}},
		{args: "-l CRITICAL x", want: []string{"12" + module + "x"}},
		{args: "--debug x", want: []string{"-4" + module + "x"}},
		{args: "--debug -l ERROR x", want: []string{"-4" + module + "x"}},
		{args: "--log-level DEBUG -- --help -l", want: []string{"-4" + module + "--help -l"}},
		{args: "-l NOTICE x", want: []string{"4" + module + "juju-log: unknown level NOTICE, INFO is used", "0" + module + "x"}},
		{args: "x", in: changed, want: []string{"0" + module + "db:1: x"}},
		{args: "x", in: peerChanged, want: []string{"0" + module + "cluster:2: x"}},
		{args: "x", in: broken, want: []string{"0" + module + "db:1: x"}},
	} {
		if test.in.Kind == "" {
			test.in = configChanged
		}
		t.Run(test.args, func(t *testing.T) {
			run := begin(t, test.in)
			run.must(words("juju-log " + test.args)...)
			if !slices.Equal(run.log.lines, test.want) {
				t.Errorf("logged: %q, want %q", run.log.lines, test.want)
			}
		})
	}
}

// TestJujuLogLong covers the longest argument that Linux passes, which is what charms split at.
func TestJujuLogLong(t *testing.T) {
	run := begin(t, configChanged)
	message := strings.Repeat("0123456789abcdef", 8192)[:131071]
	run.must("juju-log", "--log-level", "DEBUG", "--", message)
	if len(run.log.lines) != 1 || !strings.HasSuffix(run.log.lines[0], message) {
		t.Errorf("%d lines were logged", len(run.log.lines))
	}
}
