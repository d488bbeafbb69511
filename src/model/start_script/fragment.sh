# The part of the hook that runs the user's own fragment, which has been written to $fragment.
#
# It gets a session of its own, its code is said and not returned, and what is not done after $patience seconds goes
# on in the background: AWS gives a hook five minutes. It starts when pip can install, or after $head_start seconds.
patience=${CLOISTER_PATIENCE-240}
head_start=$((patience / 4))
until [ -s "$root/home/ec2-user/.netrc" ] || [ "$SECONDS" -ge "$head_start" ]; do sleep 0.2; done
# shellcheck disable=SC2016  # expanded by the inner shell
detached bash -c '"$0" >"$0.log" 2>&1; exit $?' "$fragment"
pid=$!
while kill -0 "$pid" 2>/dev/null && [ "$SECONDS" -lt "$patience" ]; do sleep 0.2; done
[ ! -s "$fragment.log" ] || tail -c 65536 "$fragment.log"
if kill -0 "$pid" 2>/dev/null; then say "the fragment goes on in the background; see $fragment.log"
else
  wait "$pid"
  say "the fragment ended with code $?"
fi
