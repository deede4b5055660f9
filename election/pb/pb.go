// Package pb holds the messages of an election. After a change of endpoint.proto, `go generate ./election/pb` makes endpoint.pb.go anew; it
// takes nothing but Go and the network.
package pb

//go:generate go run github.com/bufbuild/buf/cmd/buf@v1.50.0 generate
