package etcdstore

import (
	"context"
	"errors"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// isTransient tells whether an error is the kind that passes, so that it is worth trying again. It says nothing about what happened: after
// such an error a write may have been done, or be done yet.
func isTransient(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	switch codeOf(err) {
	case codes.OK, codes.InvalidArgument, codes.PermissionDenied, codes.Unauthenticated, codes.Unimplemented, codes.NotFound,
		codes.FailedPrecondition, codes.OutOfRange:
		return false
	}
	return true
}

// codeOf returns the gRPC code of an error, or OK if it has none.
func codeOf(err error) codes.Code {
	var known rpctypes.EtcdError
	if errors.As(err, &known) {
		return known.Code()
	}
	if errors.Is(err, clientv3.ErrNoAvailableEndpoints) {
		return codes.Unavailable
	}
	if s, ok := status.FromError(err); ok && s != nil {
		return s.Code()
	}
	return codes.OK
}

// isLeaseNotFound tells whether err says that an etcd lease is not there (any more).
func isLeaseNotFound(err error) bool {
	return errors.Is(rpctypes.Error(err), rpctypes.ErrLeaseNotFound)
}
