# cloister-pip-refresh: gives pip a fresh CodeArtifact token, retrying until it has one.
#
# Runs as the notebook's user. The settings (root, user, region, domain, domain_owner, repository, index_url) are
# assigned above this text. The token is never the value of a variable or an argument: it goes from the answer of
# AWS through a pipe into a file of mode 0600, so neither `ps` nor `bash -x` nor a log can show it.
set -uo pipefail
umask 077
export HOME=$root/home/ec2-user
netrc=$HOME/.netrc pip_conf=$HOME/.config/pip/pip.conf
export AWS_STS_REGIONAL_ENDPOINTS=regional AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=2 AWS_PAGER=
PATH=$PATH:$HOME/anaconda3/bin

say() { TZ=UTC printf '%(%FT%TZ)T cloister: %s\n' -1 "$*" >&2; }

# What belongs to the user is never run or written by root: with root access disabled that would hand it out.
if [ "$(id -u)" = 0 ] && [ "$user" != root ]; then
  command -v runuser >/dev/null && exec runuser -u "$user" -- "$0" "$@"
  exec sudo -n -u "$user" -- "$0" "$@"
fi

code_artifact() {
  timeout 60 aws codeartifact "$@" --domain "$domain" --domain-owner "$domain_owner" --region "$region" \
    --output text --cli-connect-timeout 5 --cli-read-timeout 20
}

# ini SECTION KEY VALUE [keep]: sets one option of the ini text on stdin; with keep, a value that is there stays.
ini() {
  awk -v section="[$1]" -v key="$2" -v value="$3" -v keep="${4-}" '
    { line[NR] = $0 }
    match($0, /^\[[^]]*\]/) { inside = (substr($0, 1, RLENGTH) == section); if (inside && !start) start = NR }
    inside && /^[A-Za-z]/ {
      name = tolower($0); sub(/[ \t]*[=:].*/, "", name); gsub(/_/, "-", name)
      if (name == key) found = NR
    }
    END {
      for (i = 1; i <= NR; i++) {
        continued = replaced && line[i] ~ /^[ \t]+[^ \t]/
        replaced = continued || (i == found && !keep)
        if (!replaced) print line[i]
        else if (!continued) print key " = " value
        if (i == start && !found) print key " = " value
      }
      if (!start) print section "\n" key " = " value
    }'
}

# replace FILE COMMAND…: what the command prints becomes the file, whole or not at all.
replace() {
  local file=$1 fresh
  shift
  fresh=$(mktemp "$file.cloister-XXXXXX") || return
  "$@" >"$fresh" && mv -f "$fresh" "$file" && return
  rm -f "$fresh"
  return 1
}

# pip's configuration with index $1. The empty extra index overrides one of the whole machine, which a network without a
# way out only waits for.
with_index() {
  { [ ! -f "$pip_conf" ] || cat "$pip_conf"; } |
    ini global index-url "$1" | ini global extra-index-url '' keep | ini install no-input true keep
}

# ~/.netrc with a new entry of host $1 and all others as they are.
with_login() {
  local kept=/dev/null
  [ ! -f "$netrc" ] || kept=$netrc
  code_artifact get-authorization-token --duration-seconds 43200 --query authorizationToken |
    awk -v host="$1" '
      from == "aws" {
        answered = (NR == 1 && NF == 1 && $1 != "None")
        if (!answered) exit
        print "machine " host " login aws password " $1
        next
      }
      !answered { exit }
      macro { print; macro = NF > 0; next }
      $1 == "machine" { ours = ($2 == host) }
      $1 == "default" || $1 == "macdef" { ours = 0; macro = ($1 == "macdef") }
      !ours
      END { exit !answered }' from=aws - from=kept "$kept"
}

# A domain gives tokens before its repository exists. Until AWS has named the endpoint the composed one is in place but
# not relied on; where the role may not ask for it, that is given up after ten minutes.
renew() {
  local endpoint named=yes url=$index_url host
  endpoint=$(code_artifact get-repository-endpoint --repository "$repository" --format pypi --query repositoryEndpoint) ||
    named=
  case $endpoint in http://* | https://*) url=${endpoint%/}/simple/ ;; esac
  host=${url#*://} host=${host%%/*} host=${host%%:*}
  mkdir -p "${pip_conf%/*}" && replace "$pip_conf" with_index "$url" && replace "$netrc" with_login "$host" &&
    { [ "$named" ] || [ "$delay" -ge 300 ]; }
}

exec 9>"$HOME/.cloister-pip${1-}.lock"
if ! flock -n 9; then
  say 'a renewal is under way already'
  exit 0
fi
# For machines with neither systemd nor cron.
while [ "${1-}" = --loop ]; do
  "$0" 9>&-
  sleep $((32400 + RANDOM % 3600)) 9>&-
done

trap 'rm -f "$netrc".cloister-* "$pip_conf".cloister-*' EXIT
trap 'exit 143' INT TERM
delay=2
until renew; do
  say "CodeArtifact is not ready, trying again in about $delay seconds"
  sleep $((delay / 2 + RANDOM % delay + 1)) 9>&-
  delay=$((delay < 150 ? delay * 2 : 300))
done
say "pip is logged in to $domain/$repository"
