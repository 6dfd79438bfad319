#!/usr/bin/env bash
# Runs cargo-deny with the arguments given, installing it first when it is neither on PATH nor in the cache.
#
# In CI the installation may take DEEDBOOK_DENY_SECONDS_MAX (default 480). When it takes longer, or when the crate
# registry cannot be reached, CI goes on without the check and says so; a contributor's run fails instead.
set -euo pipefail

version=0.20.2
tools=${DEEDBOOK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deedbook}/tools
cd "$(dirname "${BASH_SOURCE[0]}")/.."

run() {
  local program=$1
  shift
  exec "$program" --locked "$@"
}

if command -v cargo-deny >/dev/null; then run cargo-deny "$@"; fi
if [ -x "$tools/bin/cargo-deny" ]; then run "$tools/bin/cargo-deny" "$@"; fi

# A program used for a second a day is worth compiling fast, not well.
install() {
  CARGO_TARGET_DIR=$tools/build CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=0 RUSTFLAGS='' \
    ${limit[@]+"${limit[@]}"} \
    cargo install --locked --quiet --root "$tools" --version "$version" cargo-deny
}

limit=()
[ -z "${CI:-}" ] || limit=(timeout "${DEEDBOOK_DENY_SECONDS_MAX:-480}")
printf 'Installing cargo-deny %s into %s, once\n' "$version" "$tools" >&2
status=0
install || status=$?
if [ "$status" -eq 0 ]; then
  rm -rf "$tools/build"
  run "$tools/bin/cargo-deny" "$@"
fi

reason="cargo install failed with status $status"
[ "$status" -ne 124 ] || reason="installing it took longer than ${limit[1]} s; the next run goes on from there"
if [ -n "${CI:-}" ]; then
  printf 'NOT CHECKED: dependencies against deny.toml (%s)\n' "$reason" >&2
  exit 0
fi
printf 'deny.sh: %s\n' "$reason" >&2
exit 1
