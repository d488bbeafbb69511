#!/usr/bin/env bash
# Installs, once per version and outside the checkout, the tools that `make test` needs and that a machine with Rust, Go,
# Python and make does not have: cargo-deny, and the AWS CLI, boto3 and pip as their makers publish them. The last line of
# stdout is what to put in front of PATH.
set -euo pipefail
# shellcheck source=hack/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cargo_deny=0.20.2
deny_root="$cache/tools/cargo-deny-$cargo_deny"
requirements="$checkout/hack/requirements.txt"
python_root="$cache/tools/python-$(sha256sum "$requirements" | cut -c1-12)"

# An unoptimised cargo-deny is built in half the time and answers in a second. Its target folder is its own, or the
# features of its dependencies would replace ours in the shared one.
install_cargo_deny() {
  env -u CARGO_TARGET_DIR cargo install --debug --locked --version "$cargo_deny" --root "$deny_root.new" cargo-deny &&
    mv "$deny_root.new" "$deny_root"
}

# A virtual environment knows its own path, so it is made in place and marked when whole.
install_python_tools() {
  rm -rf "$python_root"
  python3 -m venv "$python_root" || { install_venv_module && python3 -m venv "$python_root"; } || return
  "$python_root/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements" &&
    ln -sfn "$python_root" "$cache/venv" &&
    touch "$python_root/complete"
}

# Debian's python3 comes without venv.
install_venv_module() {
  if ! command -v apt-get >/dev/null || (($(id -u) != 0)); then
    echo "python3 cannot make a virtual environment: install its venv module (Debian: apt-get install python3-venv)"
    return 1
  fi
  apt-get update -q && apt-get install -q -y python3-venv
}

needed=()
[[ -x "$deny_root/bin/cargo-deny" ]] || needed+=(cargo-deny)
[[ -e "$python_root/complete" ]] || needed+=(python)

if ((${#needed[@]})); then
  command -v cargo >/dev/null || die "cargo is needed: https://rustup.rs"
  command -v python3 >/dev/null || die "python3 (3.10 or later) is needed for the AWS CLI that the tests use"
  one_at_a_time tools
  say "Tools for the tests, installed once into $cache/tools"
  if [[ ! -x "$deny_root/bin/cargo-deny" ]]; then
    step "1/2" "install cargo-deny $cargo_deny" -- install_cargo_deny
  fi
  if [[ ! -e "$python_root/complete" ]]; then
    step "2/2" "install the AWS CLI, boto3 and pip" -- install_python_tools
  fi
fi
echo "$deny_root/bin:$python_root/bin"
