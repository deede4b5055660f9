package etcdstore

import (
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/lease"
)

// trapdoor returns the Trapdoor of one term of a lease. The create revision of the key tells one term from another, and stays through renewals.
func trapdoor(etcdKey string, create int64) lease.Trapdoor {
	return func(_ int, key any) error {
		switch key := key.(type) {
		case nil:
			return nil
		case *[]clientv3.Cmp:
			if key != nil {
				*key = []clientv3.Cmp{clientv3.Compare(clientv3.CreateRevision(etcdKey), "=", create)}
				return nil
			}
		case *int64:
			if key != nil {
				*key = create
				return nil
			}
		default:
			return fmt.Errorf("cannot fill a %T: a lease in etcd fills a *[]clientv3.Cmp or a *int64", key)
		}
		return fmt.Errorf("cannot fill a %T that is nil", key)
	}
}
