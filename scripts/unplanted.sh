#!/usr/bin/env bash
# Refuses a program that was built with the tests' feature `plant`: such a program has a switch for bugs.
set -euo pipefail
for program in "$@"; do
  if grep -q DEEDBOOK_PLANT "$program"; then
    printf '%s was built with feature `plant`, which is for tests alone; build it again without\n' "$program" >&2
    exit 1
  fi
done
