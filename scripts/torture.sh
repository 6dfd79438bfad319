#!/usr/bin/env bash
# The long run of every fault family: what `make test` samples, in the numbers by which a release is judged. Each family
# runs by itself, prints its cases as `cases: NAME COUNT`, and this adds them up into one closing line.
#
#   make torture                            every family
#   make torture SEED=7 SCALE=2             the random choices of seed 7, twice as many cases
#   make torture FAMILIES="kill power"      these alone
#
# The seed is printed first. What cannot be run on this machine is named, and is not counted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Family, filter of its tests, how many times the everyday count, and the package of the tests where it is not the root: 300
# kills, 60 power cuts, 2,000 failing system calls, 3,000 flips, 20,000 runs against the model, 1,000 races for a grant,
# 10,000 graphs for each pass, 300 intervals of packages with each mutation. What is played out in full each time has no
# multiple.
families=(
  'kill kill:: 5'
  'power power:: 3'
  'syscalls syscalls:: 5'
  'disk disk_full:: 3'
  'owners two_owners:: 5'
  'damage damage:: 3'
  'anchors anchors:: 1'
  'model recovery:: 20'
  'races approvals_server::races 200'
  'actions approvals_server::rows 25'
  'lineage lineage_passes:: 100'
  'wire wire:: 5'
  'packages packages:: 5 deedbook-verify'
  'fuzz fuzz_corpus:: 5'
  'plants plants:: 1'
)

seed=${SEED:-$(date +%s)} scale=${SCALE:-1} wanted=${FAMILIES:-}
[[ $seed =~ ^[0-9]{1,18}$ ]] || { echo "torture: SEED must be a number" >&2; exit 2; }
[[ $scale =~ ^[0-9]{1,4}$ && $scale -gt 0 ]] || { echo "torture: SCALE must be a number from 1" >&2; exit 2; }
for name in $wanted; do
  printf '%s\n' "${families[@]}" | grep -q "^$name " || {
    echo "torture: there is no family \`$name\`; there are: $(printf '%s\n' "${families[@]}" | cut -d ' ' -f 1 | xargs)" >&2
    exit 2
  }
done

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
ran=0 cases=0 failures=0 not_run=0
printf 'torture: seed %s, scale %s\n' "$seed" "$scale"
cargo test --locked --features plant --test it --no-run 2>&1 | tail -n 1

for family in "${families[@]}"; do
  read -r name filter times package <<<"$family"
  [ -z "$wanted" ] || [[ " $wanted " == *" $name "* ]] || continue
  log=$logs/$name start=$SECONDS status=0
  printf '  %-12s ' "$name"
  DEEDBOOK_TEST_SEED=$seed DEEDBOOK_TEST_SCALE=$((times * scale)) \
    cargo test --quiet --locked ${package:+--package "$package"} --features plant --test it -- "$filter" --nocapture --test-threads=1 >"$log" 2>&1 || status=$?
  count=$(sed -n 's/^.*cases: [a-z-]* \([0-9]*\)$/\1/p' "$log" | awk '{ sum += $1 } END { print sum + 0 }')
  ran=$((ran + 1)) cases=$((cases + count))
  missing=$(grep -c 'NOT RUN: ' "$log" || true)
  not_run=$((not_run + missing))
  if [ "$status" -ne 0 ]; then
    failures=$((failures + 1)) kept=$(mktemp "${TMPDIR:-/tmp}/torture-$name-XXXXXX.log")
    cp "$log" "$kept"
    printf '%9d cases, %4d s, FAILED: %s\n' "$count" $((SECONDS - start)) "$kept"
  elif [ "$count" -eq 0 ] && [ "$missing" -eq 0 ]; then
    # A family that counts nothing would pass by doing nothing.
    failures=$((failures + 1))
    printf '%9d cases, %4d s, FAILED: it counted nothing\n' 0 $((SECONDS - start))
  else
    printf '%9d cases, %4d s\n' "$count" $((SECONDS - start))
  fi
  grep -o 'NOT RUN: .*' "$log" | sed 's/^/               /' || true
done

grouped() { printf '%s' "$1" | sed -e ':a' -e 's/\([0-9]\)\([0-9]\{3\}\)\($\|,\)/\1,\2\3/' -e 'ta'; }
missing=
[ "$not_run" -eq 0 ] || missing=", $not_run not run"
printf 'torture: seed %s, scale %s: %d families, %s cases, %d failures%s\n' \
  "$seed" "$scale" "$ran" "$(grouped "$cases")" "$failures" "$missing"
[ "$failures" -eq 0 ]
