# The part of a notebook's lifecycle hook that stands before the refresh program's text.
#
# A hook that ends with another code than 0 makes the notebook Failed, so nothing here may: every step that does
# not work is said and passed over. CLOISTER_ROOT and CLOISTER_USER exist for a trial run elsewhere.
trap 'exit 0' EXIT
umask 022
root=${CLOISTER_ROOT-}
user=${CLOISTER_USER-ec2-user}
program=$root/usr/local/bin/cloister-pip-refresh
log=$root/var/log/cloister.log

say() { printf 'cloister: %s\n' "$*"; }

# write MODE FILE: stdin becomes the file, whole or not at all.
write() { mkdir -p "${2%/*}" && cat >"$2.new" && chmod "$1" "$2.new" && mv -f "$2.new" "$2"; }

# Nothing in the background may hold the hook's output open, a shell that waits for it included: AWS would wait for it.
detached() {
  mkdir -p "${log%/*}"
  setsid "$@" </dev/null >>"$log" 2>&1 &
}
