package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/unit-agent/unit-agent/uniter"
	"github.com/unit-agent/unit-agent/uniter/hooktool"
)

// HookToolBinary returns the program that hook tools link to: the small client
// beside the running program, or the running program itself, which behaves the
// same when it is started under a tool's name.
func HookToolBinary() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("cannot find the running program: %w", err)
	}
	client := filepath.Join(filepath.Dir(self), "hook-tool")
	if info, err := os.Stat(client); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
		return client, nil
	}
	return self, nil
}

// linkTools gives every hook tool a link to binary in the unit's tools
// directory.
func linkTools(home uniter.Home, binary string) error {
	if err := os.MkdirAll(home.ToolsDir(), 0o755); err != nil {
		return fmt.Errorf("cannot link hook tools: %w", err)
	}
	for _, name := range hooktool.Names() {
		link := filepath.Join(home.ToolsDir(), name)
		if target, err := os.Readlink(link); err == nil && target == binary {
			continue
		}
		if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot link hook tools: %w", err)
		}
		if err := os.Symlink(binary, link); err != nil {
			return fmt.Errorf("cannot link hook tools: %w", err)
		}
	}
	return nil
}
