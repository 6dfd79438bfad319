#!/usr/bin/env bash
# Compiles RocksDB's static library once for this machine and prints the directory that holds it.
#
# cargo alone compiles RocksDB's 343 files one by one: 15 minutes on two cores, and again for every profile.
# RocksDB allows its sources to share translation units, so this script includes them in 12 large ones: about
# 3 minutes, once, for every clone and profile. Nothing is downloaded beyond the crates in Cargo.lock.
#
#   stdout, last line   the directory: ROCKSDB_LIB_DIR for cargo, together with ROCKSDB_STATIC=1
#   stderr              progress
#   DEEDBOOK_CACHE      where the library is kept (default: ${XDG_CACHE_HOME:-~/.cache}/deedbook)
#   CXX                 the compiler (default: g++)
#
# RocksDB's own tests are not run on this library. ROCKSDB_COMPILE=1 in the environment of `make` skips the
# script and lets cargo build RocksDB its own way.
set -euo pipefail

units=12
cache=${DEEDBOOK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deedbook}
compiler=${CXX:-g++}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*" >&2; }
fail() { say "rocksdb.sh: $*"; exit 1; }

[ "$(uname -s)" = Linux ] || fail "knows the flags for Linux only; build with ROCKSDB_COMPILE=1 make build"
command -v cargo >/dev/null || fail "cargo is missing; install Rust from https://rustup.rs"
command -v "$compiler" >/dev/null || fail "$compiler is missing; run scripts/prerequisites.sh"

# Where cargo keeps the unpacked sources of a package, from the one-line JSON of `cargo metadata`.
metadata=$(cargo metadata --locked --format-version 1) || fail "cargo could not fetch the packages of Cargo.lock"
sources_of() {
  local manifest
  manifest=$(grep -o "\"manifest_path\":\"[^\"]*/$1-[0-9][^\"/]*/Cargo.toml\"" <<<"$metadata" | head -n 1 || true)
  manifest=${manifest#*:\"}
  [ -n "$manifest" ] || fail "package $1 is not in Cargo.lock"
  dirname "${manifest%\"}"
}
crate=$(sources_of librocksdb-sys)
lz4=$(sources_of lz4-sys)/liblz4/lib
[ -f "$lz4/lz4.h" ] || fail "no lz4.h in $lz4"

# The defines are those of build.rs in librocksdb-sys 0.19.0 for Linux with the feature lz4. Compare them again
# when that crate changes: a define that differs from c.h's expectations shows only at run time.
flags=(-std=c++20 -O2 -fPIC -w -ffunction-sections -fdata-sections -include cstdint
  -DNDEBUG -DLZ4=1 -DHAVE_ALIGNED_NEW -DHAVE_UINT128_EXTENSION -DOS_LINUX
  -DROCKSDB_PLATFORM_POSIX -DROCKSDB_LIB_IO_POSIX -DROCKSDB_SCHED_GETCPU_PRESENT
  -DROCKSDB_AUXV_GETAUXVAL_PRESENT -DROCKSDB_FALLOCATE_PRESENT -DROCKSDB_RANGESYNC_PRESENT)
# Hardware checksums; every x86-64 processor since 2010 has both.
[ "$(uname -m)" != x86_64 ] || flags+=(-msse4.2 -mpclmul)

# The key holds all that shapes the library, so that a changed flag or compiler builds anew.
version=${crate##*/librocksdb-sys-}
key=$(printf '%s\n' "$compiler" "$("$compiler" -dumpfullversion 2>/dev/null || true)" "$units" "${flags[@]}" \
  | sha256sum | cut -c 1-12)
target=$cache/rocksdb-$version-$key
done_already() { [ -f "$target/librocksdb.a" ]; }
finish() { printf '%s\n' "$target"; exit 0; }

if done_already; then finish; fi

# One build at a time: a second caller waits and then finds the result.
mkdir -p "$cache"
exec 9>"$target.lock"
if command -v flock >/dev/null && ! flock --nonblock 9; then
  say "RocksDB: another build is under way, waiting for it"
  flock 9
  if done_already; then finish; fi
fi

# Everything is built beside its final place and renamed as a whole; an interrupted build leaves nothing half.
rm -rf "$target".building.*
work=$(mktemp -d "$target.building.XXXXXX")
# Job control gives each unit a process group, so that stopping the script stops the compilers below it too.
set -m
stop() {
  local group
  for group in $(jobs -p); do kill -- "-$group" || true; done 2>/dev/null
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mapfile -t files < <(tr -s ' \t\r' '\n' <"$crate/rocksdb_lib_sources.txt" | grep '\.cc$' | grep -vx 'util/build_version.cc')
count=${#files[@]}
[ "$count" -ge "$units" ] || fail "found only $count sources in $crate/rocksdb_lib_sources.txt"
for index in "${!files[@]}"; do
  printf '#include "rocksdb/%s"\n' "${files[index]}" >>"$work/unit$((index * units / count)).cc"
done

parallel=$(nproc)
say "RocksDB ${version#*+}: $count files in $units units, $parallel at a time; about 6 minutes of processor time, once"
compile() {
  # Descriptor 9 is the lock: a compiler that outlives a killed script must not hold it.
  "$compiler" "${flags[@]}" -I"$crate/rocksdb/include" -I"$crate/rocksdb" -I"$crate" -I"$lz4" -c "$1" -o "$2" 9>&-
}
started=0 finished=0
wait_for_one() {
  wait -n || fail "a unit did not compile (see above); ROCKSDB_COMPILE=1 make build takes cargo's own build instead"
  finished=$((finished + 1))
  say "RocksDB: $finished of $units units after ${SECONDS} s"
}
while [ "$started" -lt "$units" ]; do
  [ $((started - finished)) -lt "$parallel" ] || wait_for_one
  compile "$work/unit$started.cc" "$work/unit$started.o" &
  started=$((started + 1))
done
while [ "$finished" -lt "$units" ]; do wait_for_one; done
compile "$crate/build_version.cc" "$work/build_version.o"

ar crs "$work/librocksdb.a" "$work"/*.o
rm -f "$work"/*.o "$work"/*.cc
chmod 755 "$work"
rm -rf "$target"
mv "$work" "$target"
say "RocksDB: built in ${SECONDS} s"
finish
