#!/usr/bin/env bash
# Serves a ledger of 70,000 entries and lets programs of others judge it over HTTP: `fsck` of transparency-dev's
# tessera, and a small program of ours (interop/judge) around golang.org/x/mod. Then it puts a proxy in front that
# changes one bit (interop/liar), and insists that both refuse. Before that the published Python client of OpenLineage
# posts to a ledger of its own, whose export must be what the client sent, byte for byte; and the package `prov` compares
# the PROV documents that two ledgers export with those that came in. Evidence packages go to programs that read bags,
# OSCAL and OCSF (scripts/interop-evidence.sh). The last line counts.
#
# Exit status: 0 when nothing failed, also when there is no Go toolchain or module proxy, no Python or PyPI, which a line
# `NOT RUN: ...` says; 1 when a program decided otherwise than it must; 2 when a ledger could not be made. What is
# downloaded and built stays in DEEDBOOK_CACHE/go and DEEDBOOK_CACHE/python. Called by `make interop`.
set -euo pipefail

fsck_version=v1.0.4
cd "$(dirname "${BASH_SOURCE[0]}")/.."
openlineage_version=1.54.0
prov_version=3.2.3
caches=${DEEDBOOK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deedbook}
cache=$caches/go
passed=0 failed=0 not_run=0

work=$(mktemp -d)
children=()
cleanup() {
  local child
  for child in ${children[@]+"${children[@]}"}; do kill "$child" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 2' INT TERM

fail() { printf 'interop.sh: %s\n' "$*" >&2; exit 2; }
skip() { not_run=$((not_run + 1)); printf 'NOT RUN: %s: %s\n' "$1" "$2"; }
finish() {
  printf 'interop: %d passed, %d failed, %d not run\n' "$passed" "$failed" "$not_run"
  [ "$failed" -eq 0 ] || exit 1
  exit 0
}

# Waits until a file holds a line with this in it, and prints the line.
await() {
  local file=$1 mark=$2
  for _ in $(seq 600); do
    if grep -m 1 -- "$mark" "$file" 2>/dev/null; then return 0; fi
    sleep 0.1
  done
  cat "$file" >&2
  return 1
}

# Runs a judge and holds its verdict (0 accepts, 1 refuses) against the one that it must give.
verdict() {
  local wanted=$1 title=$2 status=0
  shift 2
  "$@" >"$work/said" 2>&1 || status=$?
  if [ "$status" -eq "$wanted" ]; then
    passed=$((passed + 1))
    printf 'passed: %s: %s\n' "$title" "$(tail -n 1 "$work/said" | cut -c -200)"
  else
    failed=$((failed + 1))
    printf 'FAILED: %s: status %d\n' "$title" "$status"
    sed 's/^/  /' "$work/said"
  fi
}
last_line() { tail -n 1 "$1"; }

cargo build --locked --quiet --bin deedbook
deedbook=${CARGO_TARGET_DIR:-$PWD/target}/debug/deedbook

# Makes a ledger in a folder and serves it: sets `url` to its HTTP address, DEEDBOOK_SERVER to the other.
serve() {
  local books=$1 serving
  "$deedbook" init --data "$books" --origin interop.example/main --json >"$books.init" || fail 'init failed'
  "$deedbook" serve --data "$books" --listen 127.0.0.1:0 --http 127.0.0.1:0 2>"$books.serve" &
  children+=($!)
  serving=$(await "$books.serve" '^deedbook serving ') || fail 'the server did not start'
  url=http://${serving##*, http }
  DEEDBOOK_SERVER=http://$(sed 's/.* on \([^,]*\),.*/\1/' <<<"$serving")
  export DEEDBOOK_SERVER
}

# --- the client of OpenLineage

# Packages in an environment of their own; prints its Python, or why there is none.
python_with() {
  local home=$caches/python/$1
  shift
  if [ ! -e "$home/whole" ]; then
    command -v "${base_python:-python3}" >/dev/null || { echo 'there is no Python; install python3 and python3-venv'; return 1; }
    rm -rf "$home"
    mkdir -p "$(dirname "$home")"
    timeout 300 "${base_python:-python3}" -m venv "$home" >"$work/pip" 2>&1 && timeout 600 "$home/bin/python" -m pip install --quiet \
      --disable-pip-version-check "$@" >"$work/pip" 2>&1 \
      || { echo "it could not be installed: $(last_line "$work/pip")"; return 1; }
    touch "$home/whole"
  fi
  echo "$home/bin/python"
}
# What was sent is what stands in the log, in order and byte for byte, and nothing else does.
says_openlineage() {
  "$1" interop/openlineage/client.py "$url" "$work/sent.jsonl" || return 1
  "$deedbook" lineage export --format openlineage --out "$work/exported.jsonl" >"$work/export" || return 2
  cmp "$work/sent.jsonl" "$work/exported.jsonl" || return 1
  echo "$(wc -l <"$work/sent.jsonl") events came back byte for byte"
}
if python=$(python_with "openlineage-$openlineage_version" "openlineage-python==$openlineage_version"); then
  serve "$work/lineage"
  verdict 0 "openlineage-python $openlineage_version posts" says_openlineage "$python"
else
  skip "openlineage-python $openlineage_version" "$python"
fi

# --- PROV

# Documents of ours, and those of others where they are beside the checkout.
documents=(interop/prov/*.json)
others=../shared/fixtures/prov
schema=$others/prov-json.schema.json
for file in "$others"/*.json; do [ ! -e "$file" ] || [ "$file" = "$schema" ] || documents+=("$file"); done

import_prov() {
  local file
  for file in "$@"; do
    "$deedbook" lineage import --format prov --signer "$work/prov.key" "$file" >/dev/null 2>"$work/import" \
      || { cat "$work/import"; return 1; }
  done
}
append_prov() {
  "$deedbook" append --format prov --signer "$work/prov.key" "$@" >/dev/null 2>"$work/import" || { cat "$work/import"; return 1; }
}
export_as() { "$deedbook" lineage export --format "$1" --out "$2" >"$work/export" 2>&1 || { cat "$work/export"; return 1; }; }
says_prov() { "$python" interop/prov/judge.py "$@"; }
# Each document alone, from the ledger that is served, byte for byte and as `prov` compares them.
says_alone() {
  local index file at=0
  # The first two entries are genesis and the enrollment.
  for file in "${documents[@]}"; do
    index=$((at + 2)) at=$((at + 1))
    "$deedbook" lineage export --format prov --document "$index" --out "$work/alone-$index.json" >/dev/null || return 1
    cmp "$file" "$work/alone-$index.json" && says_prov equal "$file" "$work/alone-$index.json" >/dev/null || return 1
  done
  echo "$at documents came back byte for byte"
}
prov_ledger() {
  serve "$1"
  "$deedbook" key new --name prov --out "$work/prov.key" >/dev/null 2>&1 || true
  "$deedbook" key enroll --signer "$1/keys/admin.key" --source prov "$work/prov.key.pub" >/dev/null || fail 'no key'
  rm -f "$work/prov.key.ref"
}
if python=$(python_with "prov-$prov_version" "prov==$prov_version" jsonschema==4.26.0); then
  prov_ledger "$work/prov-one"
  "$python" interop/prov/write.py 7 200 "$work/random" || fail 'no random documents'
  verdict 0 'PROV documents are imported' import_prov "${documents[@]}"
  # The schema demands ends of relations that PROV does not; random documents go without.
  verdict 0 'PROV is exported' export_as prov "$work/prov-valid.json"
  if [ -e "$schema" ]; then verdict 0 'the export is valid' says_prov valid "$work/prov-valid.json" "$schema"; fi
  verdict 0 'the graph is exported as DOT' export_as dot "$work/prov-one.dot"
  if command -v dot >/dev/null; then
    verdict 0 'Graphviz reads it' dot -Tsvg "$work/prov-one.dot" -o "$work/prov-one.svg"
  else
    skip 'Graphviz reads the DOT' 'there is no dot; install graphviz'
  fi
  verdict 0 "random documents of prov $prov_version are imported" append_prov "$work"/random/*.json
  documents_all=("${documents[@]}" "$work"/random/*.json)
  verdict 0 'PROV is exported with them' export_as prov "$work/prov-one.json"
  verdict 0 "prov $prov_version finds each document in the export" says_prov same "$work/prov-one.json" "${documents_all[@]}"
  verdict 0 "prov $prov_version finds each document alone" says_alone
  prov_ledger "$work/prov-two"
  verdict 0 'a second ledger imports the export' import_prov "$work/prov-one.json"
  verdict 0 'and exports it again' export_as prov "$work/prov-two.json"
  verdict 0 "prov $prov_version finds each document there too" says_prov same "$work/prov-two.json" "${documents_all[@]}"
  echo '{"prefix":{"ex":"http://example.org/"},"entity":{"ex:stranger":{}}}' >"$work/stranger.json"
  verdict 1 "prov $prov_version misses one that was never imported" says_prov same "$work/prov-two.json" "$work/stranger.json"
else
  skip "prov $prov_version" "$python"
fi

# --- evidence packages

. scripts/interop-evidence.sh

# --- the tools

go=$(command -v go || true)
[ -n "$go" ] || { [ ! -x /usr/local/go/bin/go ] || go=/usr/local/go/bin/go; }
if [ -z "$go" ]; then
  skip "fsck $fsck_version" 'there is no Go toolchain; install one from https://go.dev/dl'
  skip 'judge on golang.org/x/mod' 'there is no Go toolchain'
  skip 'refusals' 'there is no Go toolchain'
  finish
fi
go() { GOPATH=$cache GOMODCACHE=$cache/mod GOCACHE=$cache/build GOFLAGS=-modcacherw timeout 900 "$go" "$@"; }

fsck=$cache/fsck-$fsck_version/fsck
if [ ! -x "$fsck" ]; then
  printf 'Building fsck %s into %s, once\n' "$fsck_version" "$cache" >&2
  if ! GOBIN=$(dirname "$fsck") go install "github.com/transparency-dev/tessera/cmd/fsck@$fsck_version" 2>"$work/go"; then
    skip "fsck $fsck_version" "it could not be built: $(last_line "$work/go")"
    fsck=
  fi
fi
judge=$work/tools/judge liar=$work/tools/liar
mkdir "$work/tools"
if ! go build -C interop -o "$work/tools/" ./judge ./liar 2>"$work/go"; then
  skip 'judge on golang.org/x/mod' "it could not be built: $(last_line "$work/go")"
  skip 'refusals' 'the proxy that lies could not be built'
  judge='' liar=''
fi
[ -n "$fsck$judge" ] || finish

# --- the ledger

books=$work/books
serve "$books"
id=$(sed 's/.*"ledger_id":"\([0-9a-f]*\)".*/\1/' "$books.init")
"$deedbook" key new --name gateway --out "$work/gateway.key" >/dev/null
"$deedbook" key enroll --signer "$books/keys/admin.key" --source gateway "$work/gateway.key.pub" >/dev/null
older='' batch=0
signed_size() { "$deedbook" checkpoint --vkey "$books/ledger.vkey" | sed -n 2p; }
# Appends so many events in frames of so many; what was signed before is remembered.
append() {
  local count=$1 frame=$2 size
  batch=$((batch + 1))
  size=$(signed_size)
  older=$older${older:+,}$size
  seq "$count" | sed "s|.*|{\"kind\":\"execution.reported\",\"stream\":\"action/&\",\"occurred\":\"2026-01-05T03:00:00Z\",\"body\":{\"batch\":$batch,\"n\":&}}|" \
    | "$deedbook" append --signer "$work/gateway.key" --frame "$frame" - >/dev/null 2>"$work/append" \
    || { cat "$work/append" >&2; fail "append of $count events in frames of $frame failed"; }
}
append 20 1
append 214 7
append 20 1
append 770 64
append 4000 256
append 64974 1024
size=$(signed_size)
[ "$size" = 70000 ] || fail "the checkpoint has $size entries, not 70000"

# --- the verdicts

# The program exits with 0 whatever it found, so what counts is what it says. 8 workers, because one that meets a bad
# tile ends, and when all have ended the program waits for ever.
run_fsck() {
  timeout 120 "$fsck" --ui=false --N=8 --storage_url="$1/" --public_key="$books/ledger.vkey" || return 2
} >"$work/fsck" 2>&1
says_fsck() {
  run_fsck "$1" || { cat "$work/fsck"; return 2; }
  if grep -q 'dial tcp\|connection re' "$work/fsck"; then cat "$work/fsck"; return 2; fi
  if grep -q 'fsck failed' "$work/fsck"; then grep -o 'fsck failed.*' "$work/fsck" | cut -c -160; return 1; fi
  grep -o "Successfully fsck'd log with size 70000 .*" "$work/fsck" || return 2
}
says_judge() { "$judge" -url "$1" -vkey "$books/ledger.vkey" -older "$older"; }

for prefix in "$url" "$url/$id"; do
  place=${prefix#"$url"}
  [ -z "$fsck" ] || verdict 0 "fsck accepts /${place:1:8}" says_fsck "$prefix"
  [ -z "$judge" ] || verdict 0 "judge accepts /${place:1:8}" says_judge "$prefix"
done
[ -n "$liar" ] || finish

for lie in checkpoint:30 checkpoint:150 tile/entries/100:40 tile/entries/273.p/112:40 tile/0/100:40 tile/0/273.p/112:0 \
    tile/1/000:8191 tile/1/001.p/17:33 tile/2/000.p/1:5; do
  # A file of its own for each, or the address of the one before would be read.
  page=${lie%:*} at=${lie##*:} address=$work/liar-${#children[@]}
  "$liar" -target "$url" -page "$page" -at "$at" >"$address" 2>/dev/null &
  children+=($!)
  false_url=$(await "$address" '^http://') || fail 'the proxy did not start'
  [ -z "$fsck" ] || verdict 1 "fsck refuses a changed bit in $page, byte $at" says_fsck "$false_url"
  [ -z "$judge" ] || verdict 1 "judge refuses a changed bit in $page, byte $at" says_judge "$false_url"
  kill "${children[-1]}" 2>/dev/null || true
done
finish
