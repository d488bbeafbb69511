//go:build tools

// Package controlplane pins the Kubernetes programs that sandbox and tests run against. It has no code:
// the blank imports make `go mod tidy` keep, and `go.sum` vouch for, everything they need.
package controlplane

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
