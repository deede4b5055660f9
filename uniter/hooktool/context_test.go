package hooktool_test

import (
	"testing"

	"github.com/unit-agent/unit-agent/uniter/hooktool"
)

func TestContextConfig(t *testing.T) {
	valid := begin(t, configChanged).config
	if err := valid.Validate(); err != nil {
		t.Error(err)
	}
	for want, spoil := range map[string]func(*hooktool.ContextConfig){
		`unit "wordpress" is not a unit name`: func(c *hooktool.ContextConfig) { c.Unit = "wordpress" },
		"nil View":                            func(c *hooktool.ContextConfig) { c.View = nil },
		"nil Model":                           func(c *hooktool.ContextConfig) { c.Model = nil },
		"nil IsLeader":                        func(c *hooktool.ContextConfig) { c.IsLeader = nil },
		"nil LeaderFence":                     func(c *hooktool.ContextConfig) { c.LeaderFence = nil },
		"nil Log":                             func(c *hooktool.ContextConfig) { c.Log = nil },
	} {
		config := valid
		spoil(&config)
		if err := config.Validate(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: NewContext took it", want)
				}
			}()
			hooktool.NewContext(config)
		}()
	}
}
