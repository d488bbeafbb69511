#!/usr/bin/env bash
# All that is checked before something lands. What takes a second comes first.
set -euo pipefail
# shellcheck source=hack/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$checkout"

say "Control plane and tools that the tests need"
KUBEBUILDER_ASSETS="$(hack/build-control-plane.sh)"
PATH="$(hack/tools.sh):$PATH"
export KUBEBUILDER_ASSETS PATH
exec hack/step.sh prune format units build generated clippy production deny tests
