//go:build tools

// Package etcd pins the etcd that sandbox and tests run against. It is a module of its own because its
// dependencies are other versions than those of Kubernetes.
package etcd

import _ "go.etcd.io/etcd/server/v3"
