package hook

import (
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/juju/charm/v12/hooks"
	"github.com/juju/names/v4"
)

// Validate returns an error unless the kind is a known one, everything that the
// kind needs is there, and everything that is there is well formed. A field that
// the kind has no use for may be set.
//
// It looks at the hook alone. Whether the hook may run now is a matter of the
// relation's state.
func (hi Info) Validate() error {
	err := hi.validateKind()
	if err == nil {
		err = hi.validateFields()
	}
	if err != nil {
		return fmt.Errorf("invalid %q hook: %w", hi.Kind, err)
	}
	return nil
}

var unitHooks = hooks.UnitHooks()

// validateKind checks that the kind is known, and has what it needs.
func (hi Info) validateKind() error {
	switch hi.Kind {
	case hooks.RelationJoined, hooks.RelationDeparted:
		if hi.RemoteUnit == "" {
			return errors.New("no remote unit")
		}
	case hooks.RelationChanged:
		if hi.RemoteUnit == "" && hi.RemoteApplication == "" {
			return errors.New("no remote unit or remote application")
		}
	case hooks.StorageAttached, hooks.StorageDetaching:
		if hi.StorageId == "" {
			return errors.New("no storage id")
		}
	case hooks.Action:
		if hi.ActionId == "" {
			return errors.New("no action id")
		}
	case hooks.SecretChanged, hooks.SecretRotate:
		if hi.SecretURI == "" {
			return errors.New("no secret URI")
		}
	case hooks.SecretExpired, hooks.SecretRemove:
		// These are about one revision; the two above are about the secret.
		if hi.SecretURI == "" {
			return errors.New("no secret URI")
		}
		if hi.SecretRevision == 0 {
			return errors.New("no secret revision")
		}
	case hooks.RelationCreated, hooks.RelationBroken:
	default:
		if !hi.Kind.IsWorkload() && !slices.Contains(unitHooks, hi.Kind) {
			return errors.New("unknown kind")
		}
	}
	return nil
}

// validateFields checks the form of what is there.
func (hi Info) validateFields() error {
	switch {
	case hi.RelationId < 0:
		return fmt.Errorf("negative relation id %d", hi.RelationId)
	case hi.RemoteUnit != "" && !names.IsValidUnit(hi.RemoteUnit):
		return fmt.Errorf("remote unit %q is not a unit name", hi.RemoteUnit)
	case hi.RemoteApplication != "" && !names.IsValidApplication(hi.RemoteApplication):
		return fmt.Errorf("remote application %q is not an application name", hi.RemoteApplication)
	case hi.DepartingUnit != "" && !names.IsValidUnit(hi.DepartingUnit):
		return fmt.Errorf("departing unit %q is not a unit name", hi.DepartingUnit)
	case hi.ChangeVersion < 0:
		return fmt.Errorf("negative change version %d", hi.ChangeVersion)
	case hi.StorageId != "" && !names.IsValidStorage(hi.StorageId):
		return fmt.Errorf("%q is not a storage id", hi.StorageId)
	case hi.ActionId != "" && !names.IsValidAction(hi.ActionId):
		return fmt.Errorf("%q is not an action id", hi.ActionId)
	case hi.SecretURI != "" && !isSecretURI(hi.SecretURI):
		return fmt.Errorf("%q is not a secret URI", hi.SecretURI)
	case hi.SecretRevision < 0:
		return fmt.Errorf("negative secret revision %d", hi.SecretRevision)
	}
	return nil
}

// isSecretURI knows "secret:<id>" and "secret://<model>/<id>". What an id looks
// like is for those who make secrets to say.
func isSecretURI(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "secret" || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return u.Opaque != "" || u.Host != "" && len(u.Path) > 1
}
