package lease_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/unit-agent/unit-agent/lease"
)

func TestNamesOfTheNamespaces(t *testing.T) {
	if got := lease.ApplicationLeadershipNamespace; got != "application-leadership" {
		t.Errorf("ApplicationLeadershipNamespace: got %q", got)
	}
	if got := lease.SingularControllerNamespace; got != "singular-controller" {
		t.Errorf("SingularControllerNamespace: got %q", got)
	}
}

// Promise: IsAborted, IsInvalid and IsTimeout tell their error even if it is
// wrapped, and no other.
func TestErrorsAreToldEvenIfWrapped(t *testing.T) {
	is := map[error]func(error) bool{
		lease.ErrAborted: lease.IsAborted,
		lease.ErrInvalid: lease.IsInvalid,
		lease.ErrTimeout: lease.IsTimeout,
	}
	for target := range is {
		for name, err := range map[string]error{
			"bare":          target,
			"wrapped":       fmt.Errorf("cannot: %w", target),
			"wrapped twice": fmt.Errorf("cannot: %w", fmt.Errorf("cannot: %w", target)),
			"joined":        errors.Join(errBroken, target),
		} {
			for other, tells := range is {
				if got, want := tells(err), other == target; got != want {
					t.Errorf("%v, %s: taken for %v: got %v, want %v", target, name, other, got, want)
				}
			}
		}
	}
	for _, err := range []error{nil, errBroken, lease.ErrNotHeld, errors.New(lease.ErrInvalid.Error())} {
		if lease.IsAborted(err) || lease.IsInvalid(err) || lease.IsTimeout(err) {
			t.Errorf("%v is taken for another error", err)
		}
	}
}

// Promise: the errors read as the API says.
func TestErrorTexts(t *testing.T) {
	for err, want := range map[error]string{
		lease.ErrInvalid:       "invalid lease operation",
		lease.ErrTimeout:       "lease operation timed out",
		lease.ErrAborted:       "lease operation aborted",
		lease.ErrClaimDenied:   "lease claim denied",
		lease.ErrNotHeld:       "lease not held",
		lease.ErrWaitCancelled: "waiting for lease cancelled by client",
	} {
		if got := err.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Promise: ValidateString refuses the empty string, white space, and ".#$".
func TestValidateString(t *testing.T) {
	for _, valid := range []string{"a", "mysql", "mysql/0", "machine-0", "ä", "a_b", "0", "a/b:c", "%2F", "^"} {
		if err := lease.ValidateString(valid); err != nil {
			t.Errorf("%q: got error %v", valid, err)
		}
	}
	for _, invalid := range []string{
		"", " ", "a b", "\t", "a\n", "\ra", "a\u00a0b", "a\u2003b", ".", "a.b", "#", "a#", "$", "$a",
	} {
		if err := lease.ValidateString(invalid); err == nil {
			t.Errorf("%q: got no error", invalid)
		}
	}
}

func FuzzValidateString(f *testing.F) {
	for _, seed := range []string{"", "mysql", "a b", "a.b", "#$", "\xff", "a\u2028b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := s != ""
		for _, r := range s {
			want = want && !unicode.IsSpace(r) && r != '.' && r != '#' && r != '$'
		}
		err := lease.ValidateString(s)
		if got := err == nil; got != want {
			t.Errorf("%q: got error %v, want valid: %v", s, err, want)
		}
	})
}

// Promise: Request.Validate returns an error if a field is invalid.
func TestRequestValidate(t *testing.T) {
	for _, test := range []struct {
		request lease.Request
		want    string // part of the error, or "" for none
	}{
		{lease.Request{Holder: "mysql/0", Duration: time.Second}, ""},
		{lease.Request{Holder: "mysql/0", Duration: 1}, ""},
		{lease.Request{Duration: time.Second}, "holder"},
		{lease.Request{Holder: "a b", Duration: time.Second}, "holder"},
		{lease.Request{Holder: "mysql/0"}, "duration: 0s"},
		{lease.Request{Holder: "mysql/0", Duration: -time.Second}, "duration: -1s"},
	} {
		err := test.request.Validate()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%+v: got error %v, want %q", test.request, err, test.want)
		}
	}
}

func TestKeyValidate(t *testing.T) {
	if err := key("mysql").Validate(); err != nil {
		t.Errorf("valid key: got error %v", err)
	}
	for want, k := range map[string]lease.Key{
		"namespace":  {ModelUUID: "m", Lease: "l"},
		"model UUID": {Namespace: "n", Lease: "l"},
		"name":       {Namespace: "n", ModelUUID: "m"},
	} {
		if err := k.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got error %v, want one about the %s", k, err, want)
		}
	}
}

// Promise: LockedTrapdoor shows nothing: a nil key is no error, any other is.
func TestLockedTrapdoor(t *testing.T) {
	var trapdoor lease.Trapdoor = lease.LockedTrapdoor
	for attempt := range 3 {
		if err := trapdoor(attempt, nil); err != nil {
			t.Errorf("attempt %d without a key: got error %v", attempt, err)
		}
		for _, k := range []any{new(int), "key", struct{}{}, 0, (*int)(nil)} {
			if err := trapdoor(attempt, k); err == nil {
				t.Errorf("attempt %d with %#v: got no error", attempt, k)
			}
		}
	}
}
