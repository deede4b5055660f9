// This program does what only a test may do.
package main

import "github.com/unit-agent/unit-agent/internal/durable"

func main() {
	durable.Interpose("/", nil)
}
