package model

import (
	"context"
	"fmt"
	"maps"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// leaderSettingsRecord holds what an application's leader shares with its units.
type leaderSettingsRecord struct {
	Settings map[string]string `json:"settings"`
}

func (k keys) leaderSettings(application string) string {
	return k.application(application) + leaderSettings
}

// SetLeaderSettings changes what an application's leader shares with the units of the application; an empty value
// removes a setting. It fails with ErrFenced if the fence, the leadership's comparisons, does not hold. Nothing is
// written if nothing is different. The error of an application that is not there satisfies IsNotFound.
func (m *Model) SetLeaderSettings(ctx context.Context, application string, changes map[string]string, fence ...clientv3.Cmp) error {
	key := m.keys.leaderSettings(application)
	_, err := m.transact(ctx, fence, func(d *draft) error {
		if err := d.load(m.keys.applicationMeta(application), key); err != nil {
			return err
		}
		if _, err := m.wantApplication(d, application); err != nil {
			return err
		}
		record, _, err := read[leaderSettingsRecord](d, key)
		if err != nil {
			return err
		}
		settings := maps.Clone(record.Settings)
		if settings == nil {
			settings = map[string]string{}
		}
		for name, value := range changes {
			settings[name] = value
			if value == "" {
				delete(settings, name)
			}
		}
		if maps.Equal(settings, record.Settings) {
			return nil
		}
		return write(d, key, leaderSettingsRecord{Settings: settings})
	})
	if err != nil {
		return fmt.Errorf("cannot set the leader settings of application %q: %w", application, err)
	}
	return nil
}

// LeaderSettings returns what an application's leader shares with its units, empty if nothing. The map is the caller's.
func (v *View) LeaderSettings(ctx context.Context, application string) (map[string]string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := v.m.keys.leaderSettings(application)
	if err := v.load(ctx, key); err != nil {
		return nil, err
	}
	if v.values[key] == nil {
		return map[string]string{}, nil
	}
	record, err := decode[leaderSettingsRecord](key, v.values[key])
	if err != nil || record.Settings == nil {
		return map[string]string{}, err
	}
	return record.Settings, nil
}
