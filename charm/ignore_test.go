package charm

import (
	"strings"
	"testing"
)

func TestIgnore(t *testing.T) {
	tests := []struct {
		rules string
		// Paths that are ignored and that are not; a path that ends in "/" is a
		// directory.
		ignored, kept string
	}{
		{"", ".git/ a/.git/ .git .svn/ .hg/ .bzr/ .tox/ build/", "git/ .gitignore revision version .jujuignore build a/build/ builds/ hooks/"},
		{"a", "a a/ b/a b/c/a/", "ab b"},
		{"/a", "a a/", "b/a b/c/a"},
		{"a/", "a/ b/a/", "a b/a"},
		{"b/a", "b/a b/a/", "a c/b/a"},
		{"*.pyc", "x.pyc a/b/x.pyc .pyc", "x.py pyc x.pyc.x"},
		{"?.[ab]", "x.a y/z.b", "xx.a x.c"},
		{"/lib/*.o", "lib/a.o", "a.o lib/x/a.o src/lib/a.o"},
		{"**/tmp", "tmp a/tmp a/b/tmp", "tmp2"},
		{"doc/**", "doc/a doc/a/b doc/a/", "doc/ doc x/doc/a"},
		{"a/**/z", "a/z a/b/z a/b/c/z", "z a/b a/zz b/a/z"},
		{"**/a/**/b/**/c", "a/b/c x/a/y/b/z/c a/a/b/b/c", "a/c a/b b/a/c"},
		{"# a\n\n  \n b \n", "b", "a #"},
		{"a\n!a", "", "a"},
		{"*.log\n!keep.log", "a.log x/b.log", "keep.log x/keep.log"},
		{"!.git", ".svn/", ".git/ a/.git/"},
		{"!a\na", "a", ""},
		{`\!a` + "\n" + `\#b`, "!a #b", "a b"},
	}
	for _, test := range tests {
		rules, err := parseIgnore(test.rules)
		if err != nil {
			t.Errorf("%q: %v", test.rules, err)
			continue
		}
		check := func(paths string, want bool) {
			for _, path := range strings.Fields(paths) {
				name, isDir := strings.CutSuffix(path, "/")
				if got := rules.ignores(name, isDir); got != want {
					t.Errorf("%q ignores %s: %v", test.rules, path, got)
				}
			}
		}
		check(test.ignored, true)
		check(test.kept, false)
	}
}

func TestIgnoreBadPattern(t *testing.T) {
	for _, pattern := range []string{"a[", "[]", `b\`, "x/[a-/y"} {
		_, err := parseIgnore("ok\n" + pattern)
		if err == nil || !strings.Contains(err.Error(), "bad pattern") || !strings.HasPrefix(err.Error(), ".jujuignore: ") {
			t.Errorf("%q: got error %v", pattern, err)
		}
	}
}

// A pattern must not take time without bound, whatever it is.
func TestIgnoreManyStars(t *testing.T) {
	rules, err := parseIgnore("/" + strings.Repeat("**/a/", 200) + "x")
	if err != nil {
		t.Fatal(err)
	}
	if rules.ignores(strings.Repeat("a/", 5000)+"y", false) {
		t.Error("it matches")
	}
}

func FuzzIgnore(f *testing.F) {
	for _, rules := range []string{"a\n!b/", "**/x/**", "/[a-z]*\n", "!", "/", "//", "**", `\`, "!/**/", "#"} {
		f.Add(rules, "a/b/x")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		rules, err := parseIgnore(text)
		if err != nil {
			return
		}
		for _, isDir := range []bool{false, true} {
			// What is ignored alone stays so when the rule that did it is given
			// once more.
			once := rules.ignores(name, isDir)
			if twice := append(rules, rules...).ignores(name, isDir); once != twice {
				t.Errorf("%q, %q: %v, then %v", text, name, once, twice)
			}
		}
	})
}

func TestCheckLink(t *testing.T) {
	for _, test := range []struct {
		name, link string
		ok         bool
	}{
		{"a", "b", true},
		{"a", "./b", true},
		{"a", "b/c", true},
		{"hooks/install", "../dispatch", true},
		{"hooks/install", "start", true},
		{"a/b/c", "../../d/e", true},
		{"a", ".", true},
		{"a/b", "..", true},
		{"a", "", false},
		{"a", "/b", false},
		{"a", "..", false},
		{"a", "../a", false},
		{"hooks/install", "../../x", false},
		{"a/b", "./../../c", false},
		// b may be a symlink itself, and then ".." is not what it seems.
		{"a", "b/..", false},
		{"a", "b/../c", false},
		{"a/b", "../c/../../d", false},
	} {
		if err := checkLink(test.name, test.link); (err == nil) != test.ok {
			t.Errorf("%s -> %s: %v", test.name, test.link, err)
		}
	}
}
