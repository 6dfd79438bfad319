#!/usr/bin/env bash
# Installs what cargo cannot bring along, and only what is missing: a C++ compiler and make for RocksDB, libclang
# with clang's own headers for the bindings to it. Prints nothing and changes nothing when all of it is there.
#
# With `faults`, what the fault tests use: strace, and the tools to make, check and shut down file systems. They are
# installed where this may be done without asking (as root, with apt-get); tests that lack them say NOT RUN.
#
# With `postgresql`, the database beside which lineage is measured. Status 1 where it may not be installed.
#
# Debian and Ubuntu only. Elsewhere it names what to install by hand.
set -euo pipefail

fail() { printf 'prerequisites.sh: %s\n' "$*" >&2; exit 1; }

if [ "${1:-}" = faults ]; then
  PATH=$PATH:/usr/sbin:/sbin
  tools=()
  command -v strace >/dev/null || tools+=(strace)
  command -v xfs_io >/dev/null || tools+=(xfsprogs)
  command -v mkfs.ext4 >/dev/null || tools+=(e2fsprogs)
  [ "${#tools[@]}" -gt 0 ] || exit 0
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    printf 'Installing %s: for the fault tests\n' "${tools[*]}" >&2
    { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 install -y \
      --no-install-recommends "${tools[@]}"; } >/dev/null 2>&1 </dev/null \
      || printf 'prerequisites.sh: could not install %s; some fault tests will say NOT RUN\n' "${tools[*]}" >&2
  fi
  exit 0
fi

if [ "${1:-}" = postgresql ]; then
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || exit 1
  printf 'Installing postgresql: to measure lineage beside it\n' >&2
  { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 install -y \
    --no-install-recommends postgresql; } >/dev/null 2>&1 </dev/null || exit 1
  exit 0
fi

command -v cargo >/dev/null \
  || fail "cargo is missing; install Rust from https://rustup.rs, open a new shell and run the command again"

# libclang reads the headers of its own release, so only a pair of one place counts.
has_libclang() {
  [ -z "${LIBCLANG_PATH:-}" ] || return 0
  local root
  for root in /usr/lib/llvm-*/lib /usr/lib64 /usr/lib /usr/local/lib; do
    if compgen -G "$root/libclang.so*" >/dev/null || compgen -G "$root/libclang-[0-9]*.so*" >/dev/null; then
      if compgen -G "$root/clang/*/include/stddef.h" >/dev/null; then return 0; fi
    fi
  done
  return 1
}

wanted=()
command -v "${CXX:-g++}" >/dev/null || wanted+=(g++)
command -v make >/dev/null || wanted+=(make)
clang=no
has_libclang || clang=yes
[ "${#wanted[@]}" -gt 0 ] || [ "$clang" = yes ] || exit 0

command -v apt-get >/dev/null || fail "this system has no apt-get; install by hand: a C++20 compiler, make," \
  "libclang and clang's headers (often one package, named clang or clang-libs), then run the command again"

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || fail "packages are missing and neither root nor sudo is at hand; run once as root: $0"
  as_root=(sudo)
fi
apt() { ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@" </dev/null; }

apt update >/dev/null || fail "apt-get update failed; check the network and the package sources"

# Names of the libclang packages to install: the release already begun, else the one tried with this project
# (Debian 12), else the newest whose two halves the package sources both have.
clang_packages() {
  local library number
  if library=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 'libclang1-*' 2>/dev/null \
      | sed -n 's/^ii *//p' | sort -V | tail -n 1) && [ -n "$library" ]; then
    number=${library#libclang1-}
    printf '%s libclang-common-%s-dev' "$library" "${number%t64}"
    return
  fi
  if grep -qs '^VERSION_CODENAME=bookworm$' /etc/os-release; then
    printf 'libclang1-14 libclang-common-14-dev'
    return
  fi
  while read -r library; do
    number=${library#libclang1-} number=${number%t64}
    if apt-cache show "libclang-common-$number-dev" >/dev/null 2>&1; then
      printf '%s libclang-common-%s-dev' "$library" "$number"
      return
    fi
  done < <(apt-cache search --names-only '^libclang1-[0-9]+(t64)?$' | cut -d ' ' -f 1 | sort -Vr)
  return 1
}
if [ "$clang" = yes ]; then
  packages=$(clang_packages) || fail "the package sources offer no libclang1-N with its libclang-common-N-dev"
  read -ra pair <<<"$packages"
  wanted+=("${pair[@]}")
fi

printf 'Installing %s: to compile RocksDB and generate the bindings to it\n' "${wanted[*]}" >&2
apt install -y --no-install-recommends "${wanted[@]}" >/dev/null || fail "apt-get could not install: ${wanted[*]}"
[ "$clang" = no ] || has_libclang || fail "libclang is installed but not where expected; set LIBCLANG_PATH to its folder"
