#!/usr/bin/env bash
# Fuzzes every target, or those named, for FUZZ_SECONDS each (default 60), starting from fuzz/corpus and from what
# earlier runs found, which is kept in the cache. Installs cargo-fuzz there when it is missing.
#
# The stable toolchain will do: coverage needs no nightly, and address sanitizer would find nothing, because our code
# has no `unsafe`. Checks of arithmetic are on. An input that breaks a rule is left in fuzz/artifacts/TARGET: give it a
# name, put it into fuzz/corpus/TARGET, and `make test` replays it for ever.
set -euo pipefail

version=0.13.2
seconds=${FUZZ_SECONDS:-60}
cache=${DEEDBOOK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deedbook}
tools=$cache/tools
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH=$tools/bin:$PATH

if ! command -v cargo-fuzz >/dev/null; then
  printf 'Installing cargo-fuzz %s into %s, once\n' "$version" "$tools" >&2
  CARGO_TARGET_DIR=$tools/build CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_DEBUG=0 RUSTFLAGS='' \
    cargo install --locked --quiet --root "$tools" --version "$version" cargo-fuzz
  rm -rf "$tools/build"
fi

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for folder in fuzz/corpus/*/; do targets+=("$(basename "$folder")"); done
fi
# With no sanitizer every flag is a stable one; cargo-fuzz itself still asks for a compiler that takes others.
export RUSTC_BOOTSTRAP=1
options=(--dev --sanitizer none)
cargo fuzz build "${options[@]}" any

total=0
for target in "${targets[@]}"; do
  found=$cache/fuzz/$target
  mkdir -p "$found" "fuzz/artifacts/$target"
  log=$(mktemp)
  status=0
  DEEDBOOK_FUZZ=$target cargo fuzz run "${options[@]}" any "$found" "fuzz/corpus/$target" -- \
    -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="fuzz/artifacts/$target/" >"$log" 2>&1 || status=$?
  if [ "$status" -ne 0 ]; then
    tail -n 40 "$log"
    printf 'fuzz: %s broke a rule; the input is in fuzz/artifacts/%s\n' "$target" "$target" >&2
    exit "$status"
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
  edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  printf '%-16s %12s inputs %8s edges %6s s\n' "$target" "$runs" "$edges" "$seconds"
  total=$((total + runs))
  rm -f "$log"
done
printf 'cases: fuzz inputs %s\n' "$total"
