# shellcheck shell=bash
# What the scripts in this folder share: where things are kept, and how progress is shown. Source it.

# shellcheck disable=SC2034  # used by the scripts that source this
checkout="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/cloister"

# Everything that is for people goes to stderr: stdout is for the one line that another program reads.
say() { printf '%s\n' "$*" >&2; }

die() {
  say "error: $*"
  exit 1
}

# step NUMBER/OF WHAT -- COMMAND…: runs the command, saying what it does, that it is still at it, and how long it took.
# The command's own output is kept in a log, which is shown only when it fails.
step() {
  local number="$1" what="$2" log status=0 began=$SECONDS beat
  shift 3
  log="$(mktemp)"
  say "  [$number] $what …"
  # The sleep outlives its shell when that is killed: it must hold neither the lock nor anybody's pipe.
  (while sleep 20 >/dev/null 2>&1 9>&-; do say "  [$number] … still at it after $((SECONDS - began)) s"; done) >/dev/null 9>&- &
  beat=$!
  "$@" >"$log" 2>&1 </dev/null || status=$?
  { kill "$beat" && wait "$beat"; } 2>/dev/null || true
  if ((status != 0)); then
    tail -n 60 "$log" >&2
    rm -f "$log"
    die "[$number] $what failed after $((SECONDS - began)) s"
  fi
  rm -f "$log"
  say "  [$number] $what: $((SECONDS - began)) s"
}

# one_at_a_time NAME: waits for other runs of the same script on this machine; the lock goes with the process.
one_at_a_time() {
  mkdir -p "$cache"
  exec 9>"$cache/$1.lock"
  flock --nonblock 9 && return
  say "  waiting for another $1 on this machine to end …"
  flock 9
}
