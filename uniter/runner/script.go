package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// DispatchPath returns the path of the invocation's own script below the charm
// directory, whether or not the charm has it: "hooks/install",
// "actions/backup". The charm knows the invocation by it.
func (inv Invocation) DispatchPath() string {
	if inv.ActionName != "" {
		return "actions/" + inv.ActionName
	}
	return "hooks/" + inv.Hook
}

// findScript returns what to run, relative to the charm directory: dispatch if
// the charm has it, else the script of its own at dispatchPath, else "".
func findScript(charmDir, dispatchPath string) (string, error) {
	if _, err := os.Stat(filepath.Join(charmDir, "metadata.yaml")); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: %s has no metadata.yaml", ErrCharmMissing, charmDir)
	} else if err != nil {
		return "", err
	}
	for _, script := range []string{"dispatch", dispatchPath} {
		info, err := os.Stat(filepath.Join(charmDir, script))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", err
		case info.IsDir():
			return "", fmt.Errorf("%s is a directory: it must be an executable file", script)
		case info.Mode().Perm()&0o111 == 0:
			return "", fmt.Errorf("%s is not executable: %w: run chmod +x on it in the charm", script, fs.ErrPermission)
		}
		return script, nil
	}
	return "", nil
}
