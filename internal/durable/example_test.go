package durable_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/unit-agent/unit-agent/internal/durable"
)

func ExampleWriteFile() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "operation.yaml")
	if err := durable.WriteFile(path, []byte("step: pending\n"), 0o600); err != nil {
		panic(err)
	}
	content, err := os.ReadFile(path)
	fmt.Print(string(content), err)
	// Output: step: pending
	// <nil>
}
