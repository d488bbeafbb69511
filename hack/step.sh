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
  flock --nonblock "$cache/cargo.lock" true || say "  waiting for another cargo of this project to end …"
  flock "$cache/cargo.lock" cargo "$@"
}

format() { cargo fmt --check; }
units() { hack/check-build-units.sh; }
clippy() { compile clippy --locked --all-targets --features sandbox -- --deny warnings; }
deny() { PATH="$(hack/tools.sh):$PATH" cargo deny --locked check bans licenses sources; }
control-plane() { hack/build-control-plane.sh >/dev/null; }
# The target folder is shared between checkouts, and so is the program's name in it: a copy is ours for sure.
build() {
  compile build --locked --features sandbox
  mkdir -p "$checkout/target"
  cp --force "$CARGO_TARGET_DIR/debug/cloister" "$checkout/target/.cloister.new"
  mv "$checkout/target/.cloister.new" "$checkout/target/cloister"
}
generated() { target/cloister generate --check; }
# Compiled under the lock, run without it: nobody has to wait for our tests.
tests() {
  compile test --locked --features sandbox --no-run
  cargo test --locked --features sandbox
}
bench() { compile bench --locked --features sandbox; }
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
  flock "$cache/cargo.lock" rm -rf "$CARGO_TARGET_DIR"/*/incremental
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
