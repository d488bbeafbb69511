#!/usr/bin/env bash
# The steps that `make` is put together from: hack/step.sh STEP…, each of them timed. What a step prints is shown as it
# comes. Wherever cargo compiles this is done with the same feature, so that nothing is compiled twice, and by one cargo
# at a time on this machine: a rustc on the EC2 SDK alone takes 8 GB.
set -euo pipefail
# shellcheck source=hack/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$checkout"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}"

compile() {
  mkdir -p "$cache" "$CARGO_TARGET_DIR"
  exec 8>"$cache/cargo.lock"
  flock --nonblock 8 || { say "  waiting for another cargo of this project to end …" && flock 8; }
  forget_other_checkouts
  cargo "$@" 8>&-
}

# Cargo names our artefacts by their path within the checkout: those of two checkouts in one target folder have the same
# names, and the older sources would pass for compiled. Dependencies are not concerned.
forget_other_checkouts() {
  local mark="$CARGO_TARGET_DIR/.cloister-checkout"
  [[ "$(cat "$mark" 2>/dev/null)" == "$checkout" ]] && return
  cargo clean --quiet --package cloister 8>&-
  printf '%s\n' "$checkout" >"$mark"
}

format() { cargo fmt --check; }
units() { hack/check-build-units.sh; }
clippy() { compile clippy --locked --all-targets --features sandbox -- --deny warnings; }
# The program as it is shipped, without the sandbox: what only the sandbox uses must not be in it.
production() { compile clippy --locked --lib --bins -- --deny warnings; }
deny() { PATH="$(hack/tools.sh):$PATH" cargo deny --locked check bans licenses sources; }
control-plane() { hack/build-control-plane.sh >/dev/null; }
# Still under the lock, a copy is taken that stays ours when another checkout builds.
build() {
  compile build --locked --features sandbox
  mkdir -p "$checkout/target"
  cp "$CARGO_TARGET_DIR/debug/cloister" "$checkout/target/.cloister.new"
  mv "$checkout/target/.cloister.new" "$checkout/target/cloister"
}
generated() { target/cloister generate --check; }
tests() { compile test --locked --features sandbox --no-fail-fast; }
# The release program is measured; the simulated AWS beside it may be unoptimised.
bench() {
  local assets tools
  assets="$(hack/build-control-plane.sh)"
  tools="$(hack/tools.sh)"
  KUBEBUILDER_ASSETS="$assets" PATH="$tools:$PATH" python3 benches/environments.py "$CARGO_TARGET_DIR/release/cloister" target/cloister
}
release() {
  compile build --locked --release
  ls -lh "$CARGO_TARGET_DIR/release/cloister"
}

# Incremental results of old edits are never removed by cargo. They are the one part that costs seconds, not minutes.
prune() {
  local size
  size="$(du -s --block-size=1G "$CARGO_TARGET_DIR" 2>/dev/null | cut -f1)"
  ((${size:-0} > 15)) || return 0
  say "  $CARGO_TARGET_DIR has $size GB: removing incremental results"
  exec 8>"$cache/cargo.lock"
  flock 8
  rm -rf "$CARGO_TARGET_DIR"/*/incremental
}

# set -e does not reach into a function that is called under a condition, so each step is a process of its own.
if [[ "${1:-}" == --only ]]; then
  "$2"
  exit
fi

number=0
for name in "$@"; do
  number=$((number + 1))
  began=$SECONDS
  say "[$number/$#] $name …"
  "${BASH_SOURCE[0]}" --only "$name" || die "[$number/$#] $name failed after $((SECONDS - began)) s"
  say "[$number/$#] $name: $((SECONDS - began)) s"
done
