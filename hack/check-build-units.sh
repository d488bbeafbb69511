#!/usr/bin/env bash
# Proves that the production build, the build with the sandbox and the tests use the AWS SDK crates, and everything below
# them, with the same versions and features: where they differ in one, cargo compiles ten minutes' worth a second time.
set -euo pipefail
# shellcheck source=hack/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$checkout"

# One line for each crate and set of features. Crates that run while compiling (proc macros, build scripts) are among them.
units() {
  cargo tree --locked --prefix none --no-dedupe --format '{p} [{f}]' "$@" | sed 's/ (\*)//; s/ (proc-macro)//' | LC_ALL=C sort -u
}

# Names and versions of the SDK crates and of whatever they need.
below_the_sdk() {
  local sdk
  sdk="$(sed -n 's/^name = "\(aws-sdk-[a-z0-9-]*\)"$/\1/p' Cargo.lock)"
  [[ -n "$sdk" ]] || die "no aws-sdk crate in Cargo.lock"
  # shellcheck disable=SC2046,SC2086  # one --package each
  cargo tree --locked --prefix none --edges normal,build --format '{p}' $(printf -- '--package %s ' $sdk) |
    awk 'NF {print $1, $2}' | LC_ALL=C sort -u
}

only_of() { awk 'NR == FNR {wanted[$1, $2]; next} ($1, $2) in wanted' "$names" -; }

names="$(mktemp)"
production="$(mktemp)"
other="$(mktemp)"
trap 'rm -f "$names" "$production" "$other"' EXIT

below_the_sdk >"$names"
units --edges normal,build | only_of >"$production"
(($(wc -l <"$production") > 50)) || die "only $(wc -l <"$production") crates found below the AWS SDK: this check looks at nothing"

compare() {
  local what="$1"
  shift
  units "$@" | only_of >"$other"
  diff --unified=0 --label "production build" --label "$what" "$production" "$other" >&2 ||
    die "$what uses crates below the AWS SDK with other features than the production build; move the feature to [dependencies] (docs/decisions/build-budget.md)"
}

compare "build with the sandbox" --edges normal,build --features sandbox
compare "tests" --edges normal,build,dev --features sandbox
say "One set of $(wc -l <"$production") crates below the AWS SDK serves build, sandbox and tests"
