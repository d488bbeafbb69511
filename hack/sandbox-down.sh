#!/usr/bin/env bash
# Ends the sandboxes started from this checkout, by the process ids that they wrote down, and waits until they have
# cleaned up.
set -euo pipefail
# shellcheck source=hack/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ended=0
for file in "$cache"/run/sandbox-*/pid; do
  [[ -e "$file" ]] || continue
  pid="$(<"$file")"
  # A process id is used again some day, and other checkouts have sandboxes of their own.
  [[ "$(readlink "/proc/$pid/exe" 2>/dev/null)" == */cloister* ]] || continue
  [[ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" == "$checkout" ]] || continue
  say "Ending the sandbox with process id $pid …"
  kill -TERM "$pid" 2>/dev/null || continue
  for _ in {1..200}; do
    [[ -e "$file" ]] || break
    sleep 0.1
  done
  [[ ! -e "$file" ]] || die "the sandbox with process id $pid does not end"
  ended=$((ended + 1))
done
say "$ended ended"
