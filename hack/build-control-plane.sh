#!/usr/bin/env bash
# Builds etcd, kube-apiserver, kube-controller-manager and kubectl from pinned Go modules, once per version, and prints
# the folder they are in as the last line of stdout. A folder named by KUBEBUILDER_ASSETS is taken as it is.
set -euo pipefail
# shellcheck source=hack/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ -n "${KUBEBUILDER_ASSETS:-}" ]]; then
  for program in etcd kube-apiserver; do
    [[ -x "$KUBEBUILDER_ASSETS/$program" ]] || die "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS has no executable '$program'; unset it to build one"
  done
  echo "$KUBEBUILDER_ASSETS"
  exit
fi

kubernetes="$(sed -n 's/^require k8s.io\/kubernetes //p' "$checkout/hack/controlplane/go.mod")"
etcd="$(sed -n 's/^require go.etcd.io\/etcd\/server\/v3 //p' "$checkout/hack/etcd/go.mod")"
[[ -n "$kubernetes" && -n "$etcd" ]] || die "no pinned version found in hack/controlplane/go.mod or hack/etcd/go.mod"
sums="$(cat "$checkout"/hack/{controlplane,etcd}/go.sum | sha256sum | cut -c1-12)"
assets="$cache/control-plane/$kubernetes-$sums"

programs=(etcd kube-apiserver kubectl kube-controller-manager)
missing() {
  local program
  for program in "${programs[@]}"; do
    [[ -x "$assets/$program" ]] || echo "$program"
  done
}

if [[ -z "$(missing)" ]]; then
  echo "$assets"
  exit
fi

# Without these Kubernetes believes to be v0.0.0, which kubectl and Helm cannot parse.
IFS=. read -r major minor _ <<<"${kubernetes#v}"
flags=(-s -w)
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  flags+=("-X $package.gitVersion=$kubernetes" "-X $package.gitMajor=$major" "-X $package.gitMinor=$minor")
done

# An interrupted build leaves no half program behind, and keeps the whole ones.
build() {
  local module="$1" package="$2" program="$3"
  go -C "$checkout/hack/$module" build -mod=readonly -trimpath -p 2 -ldflags "${flags[*]}" \
    -o "$assets/.$program.new" "$package" &&
    mv "$assets/.$program.new" "$assets/$program"
}

command -v go >/dev/null || die "go is needed to build the control plane (1.26 or later), or KUBEBUILDER_ASSETS must name a folder with etcd and kube-apiserver"
one_at_a_time control-plane
mkdir -p "$assets"
say "Control plane: Kubernetes $kubernetes, etcd $etcd, built once (about 7 minutes on 2 cores) into $assets"
number=0
todo="$(missing)"
for program in $todo; do
  number=$((number + 1))
  case "$program" in
    etcd) module=etcd package=go.etcd.io/etcd/server/v3 ;;
    *) module=controlplane package="k8s.io/kubernetes/cmd/$program" ;;
  esac
  step "$number/$(wc -w <<<"$todo")" "build $program" -- build "$module" "$package" "$program"
done
echo "$assets"
