package hooktool_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/model"
)

// flushed ends the hook and returns what it changed.
func (run *hookRun) flushed() model.Flush {
	run.end()
	return run.context.Flush()
}

func TestRelationSetArguments(t *testing.T) {
	runRows(t, []row{
		{args: "relation-set", in: changed},
		{args: "relation-set a=1 b=2", in: changed},
		{args: "relation-set -r db:1 a=1"},
		{args: "relation-set -r 1 a=1"},
		{args: "relation-set a=1", usage: "no relation id specified"},
		{args: "relation-set -r cache:1 a=1", usage: `invalid value "cache:1" for option -r: relation not found`},
		{args: "relation-set a", in: changed, usage: `expected "key=value", got "a"`},
		{args: "relation-set =b", in: changed, usage: `expected "key=value", got "=b"`},
		{args: "relation-set ''", in: changed, usage: `expected "key=value", got ""`},
		{args: "relation-set a=1 a=2", in: changed, usage: `key "a" specified more than once`},
		{args: "relation-set a=1 - b=2", in: changed, usage: `expected "key=value", got "-"`},
		{args: "relation-set --format=json a=1", in: changed, warning: "WARNING relation-set has no use for --format\n"},
		{args: "relation-set --bad a=1", in: changed, usage: "option provided but not defined: --bad"},
		{args: "relation-set -- --bad=1", in: changed},

		{args: "relation-set --app a=1", in: changed, failed: "cannot write relation settings"},
		{args: "relation-set --app", in: changed, failed: "cannot write relation settings"},
		{args: "relation-set --app a=1", in: changed, with: with(asLeader)},
		{args: "relation-set --app a=1", in: peerChanged, failed: "cannot write relation settings"},
		{args: "relation-set --app a=1", in: changed, with: with(leaderUnknown), failed: "cannot write relation settings: leadership status unknown: boom"},
		{args: "relation-set --app a=1", in: changed, with: with(asLeader, noFence), failed: "cannot write relation settings: cannot tell the term of leadership: boom"},

		{args: "relation-set --file -", in: changed, stdin: "a: b"},
		{args: "relation-set --file missing", in: changed, failed: "cannot read missing: no such file or directory"},
		{args: "relation-set --file .", in: changed, failed: "cannot read .: is a directory"},
		{args: "relation-set --file -", in: changed, stdin: "just words",
			failed: "cannot read settings from -: yaml: unmarshal errors:   line 1: cannot unmarshal !!str `just words` into map[string]string"},
		{args: "relation-set --file -", in: changed, stdin: `{"a": ["list"]}`,
			failed: `cannot read settings from -: key "a": expected a string, a number or a boolean`},
		{args: "relation-set --file -", in: changed, stdin: "a: {b: c}",
			failed: "cannot read settings from -: yaml: unmarshal errors:   line 1: cannot unmarshal !!map into string"},
		{args: "relation-set --file -", in: changed, stdin: "'': c", failed: "cannot read settings from -: a key is empty"},
		{args: "relation-set --file -", in: changed, stdin: `{"": "c"}`, failed: "cannot read settings from -: a key is empty"},
	})
}

// TestRelationSet covers what is buffered, as the hook reads it and as it is flushed.
func TestRelationSet(t *testing.T) {
	for _, test := range []struct {
		args, stdin string
		reads       string   // own settings as the hook sees them afterwards, in JSON
		flush       settings // of the unit; nil for none
	}{
		{args: "a=1 b=x=y", reads: `{"a":"1","b":"x=y","old":"1","private-address":"10.0.0.9"}`, flush: settings{"a": "1", "b": "x=y"}},
		{args: "old=2", reads: `{"old":"2","private-address":"10.0.0.9"}`, flush: settings{"old": "2"}},
		{args: "old= gone=", reads: `{"private-address":"10.0.0.9"}`, flush: settings{"old": ""}},
		{args: "old=1", reads: `{"old":"1","private-address":"10.0.0.9"}`},
		{args: "", reads: `{"old":"1","private-address":"10.0.0.9"}`},
		{args: "'text=two words'", reads: `{"old":"1","private-address":"10.0.0.9","text":"two words"}`, flush: settings{"text": "two words"}},
		{
			args: "--file - b=cli", stdin: "a: 08\nb: file\nc: yes\nd: 1.0\nold: ''\ne: ~\n",
			reads: `{"a":"08","b":"cli","c":"yes","d":"1.0","private-address":"10.0.0.9"}`,
			flush: settings{"a": "08", "b": "cli", "c": "yes", "d": "1.0", "old": ""},
		},
		{
			args: "--file=-", stdin: `{"a": "\ud83d\ude00", "b": 5, "c": 1.50, "d": true, "e": null, "old": ""}`,
			reads: `{"a":"😀","b":"5","c":"1.50","d":"true","private-address":"10.0.0.9"}`,
			flush: settings{"a": "😀", "b": "5", "c": "1.50", "d": "true", "old": ""},
		},
		{args: "--file /dev/stdin", stdin: "a: b", reads: `{"a":"b","old":"1","private-address":"10.0.0.9"}`, flush: settings{"a": "b"}},
		{args: "--file in.yaml", reads: `{"from":"file","old":"1","private-address":"10.0.0.9"}`, flush: settings{"from": "file"}},
		{args: "--file -", stdin: "", reads: `{"old":"1","private-address":"10.0.0.9"}`},
		{args: "--file -", stdin: "{flow: style}", reads: `{"flow":"style","old":"1","private-address":"10.0.0.9"}`, flush: settings{"flow": "style"}},
	} {
		t.Run(test.args, func(t *testing.T) {
			run := begin(t, changed, withFile("in.yaml", "from: file\n"))
			got := run.callWithInput(test.stdin, words("relation-set "+test.args)...)
			if got != (reply{}) {
				t.Fatalf("got %+v", got)
			}
			if reads := run.must("relation-get", "--format=json", "-", "wordpress/0"); reads != test.reads+"\n" {
				t.Errorf("the hook reads %s", reads)
			}
			want := model.Flush{Unit: "wordpress/0"}
			if test.flush != nil {
				want.RelationUnit = map[int]map[string]string{1: test.flush}
			}
			if flush := run.flushed(); !reflect.DeepEqual(flush, want) {
				t.Errorf("the flush is %+v, want %+v", flush, want)
			}
		})
	}
}

// TestRelationSetUnread makes sure that a change is flushed whether or not the hook read what was
// there: which changes make a difference, the model can tell too.
func TestRelationSetUnread(t *testing.T) {
	run := begin(t, changed)
	run.must("relation-set", "old=1", "new=2")
	want := model.Flush{Unit: "wordpress/0", RelationUnit: map[int]map[string]string{1: {"old": "1", "new": "2"}}}
	if flush := run.flushed(); !reflect.DeepEqual(flush, want) {
		t.Errorf("the flush is %+v", flush)
	}
}

func TestRelationSetSeveral(t *testing.T) {
	run := begin(t, changed, asLeader)
	run.must("relation-set", "a=1", "b=1")
	run.must("relation-set", "b=2", "c=2")
	run.must("relation-set", "-r", "cluster:2", "weight=9")
	run.must("relation-set", "--app", "site=shop")
	run.must("relation-set", "--app", "-r", "cluster:2", "token=")
	run.must("relation-set", "--app", "-r", "db:9")
	for _, read := range []struct{ args, want string }{
		{"-r db:1 --app - wordpress", `{"site":"shop"}`},
		{"-r cluster:2 --app - wordpress", `{}`},
		{"-r cluster:2 - wordpress/0", `{"weight":"9"}`},
		{"-r db:1 b wordpress/0", `"2"`},
		{"-r db:1 - mysql/1", `{}`},
	} {
		if got := run.must(words("relation-get --format=json " + read.args)...); got != read.want+"\n" {
			t.Errorf("relation-get %s: got %s", read.args, got)
		}
	}
	want := model.Flush{
		Unit:         "wordpress/0",
		RelationUnit: map[int]map[string]string{1: {"a": "1", "b": "2", "c": "2"}, 2: {"weight": "9"}},
		RelationApp:  map[int]map[string]string{1: {"site": "shop"}, 2: {"token": ""}},
		Fence:        fenceOf(7),
	}
	for range 2 { // Flush changes nothing
		if flush := run.flushed(); !reflect.DeepEqual(flush, want) {
			t.Errorf("the flush is %+v\nwant %+v", flush, want)
		}
	}
}

// TestApplicationSettingsUnderTwoTerms covers leadership that moves away and back in a hook: all that was
// decided under the first term goes with its fence, so that the flush fails.
func TestApplicationSettingsUnderTwoTerms(t *testing.T) {
	run := begin(t, changed, asLeader)
	run.must("relation-set", "--app", "a=1")
	run.leadership.leader = false
	if got := run.call("relation-set", "--app", "a=2"); got.code != 1 {
		t.Errorf("got %+v", got)
	}
	run.leadership.leader, run.leadership.term = true, 8
	run.must("relation-set", "--app", "a=3")
	want := model.Flush{Unit: "wordpress/0", RelationApp: map[int]map[string]string{1: {"a": "3"}}, Fence: fenceOf(7)}
	if flush := run.flushed(); !reflect.DeepEqual(flush, want) {
		t.Errorf("the flush is %+v", flush)
	}
}

// TestFailedCallChangesNothing makes sure that a call with an error leaves no part of itself behind.
func TestFailedCallChangesNothing(t *testing.T) {
	run := begin(t, changed)
	for _, args := range []string{
		"relation-set a=1 b", "relation-set --app a=1", "relation-set --file missing a=1", "open-port 8005",
		"open-port 1/x", "relation-set -r 77 a=1",
	} {
		if got := run.call(words(args)...); got.code == 0 || !strings.HasPrefix(got.stderr, "ERROR ") {
			t.Errorf("%s: got %+v", args, got)
		}
	}
	if flush := run.flushed(); !reflect.DeepEqual(flush, model.Flush{Unit: "wordpress/0"}) {
		t.Errorf("the flush is %+v", flush)
	}
}
