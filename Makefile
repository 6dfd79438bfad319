# Every command a contributor needs; CI runs the same ones. `make` alone lists them.
#
# Each target that compiles first completes the machine (scripts/prerequisites.sh) and RocksDB's library
# (scripts/rocksdb.sh, 3 minutes once), then hands both to cargo. ROCKSDB_COMPILE=1 skips the library: cargo then
# compiles RocksDB its own way, which takes 15 minutes.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help build test torture fuzz demo bench bench-evidence bench-lineage interop attack check fmt-check lint deny advisories clean

export DEEDBOOK_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/deedbook

# A CI clone is new each time; what it compiled is kept outside, so that the next run starts warm.
ifdef CI
export CARGO_TARGET_DIR ?= $(DEEDBOOK_CACHE)/target
endif

ifeq ($(ROCKSDB_COMPILE),1)
export ROCKSDB_COMPILE
PREPARE = scripts/prerequisites.sh
else
# Two steps, because `export NAME=$(command)` would hide the command's failure.
PREPARE = scripts/prerequisites.sh; ROCKSDB_LIB_DIR=$$(scripts/rocksdb.sh); export ROCKSDB_LIB_DIR ROCKSDB_STATIC=1
endif

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null \
	  || sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1: \2/p' Makefile

build: ## both programs, optimised: target/release/deedbook and deedbook-verify
	@$(PREPARE); cargo build --locked --release && \
	  scripts/unplanted.sh "$${CARGO_TARGET_DIR:-target}"/release/deedbook{,-verify} && \
	  echo "the programs are in $${CARGO_TARGET_DIR:-$$PWD/target}/release"

# Feature `plant` lets tests plant bugs; one build with it serves all tests (CONTRIBUTING.md).
test: ## every test; what this machine cannot run is named with NOT RUN
	@scripts/prerequisites.sh faults; $(PREPARE); cargo test --locked --workspace --features plant

torture: ## every family of faults in the long numbers; SEED=, SCALE= and FAMILIES="kill power" choose
	@scripts/prerequisites.sh faults; $(PREPARE); SEED=$(SEED) SCALE=$(SCALE) FAMILIES="$(FAMILIES)" scripts/torture.sh

fuzz: ## every fuzz target for FUZZ_SECONDS (60), with coverage; what was found before is replayed by `make test`
	@$(PREPARE); scripts/fuzz.sh

demo: ## a guided tour of a new ledger, with nothing to configure
	@$(PREPARE); cargo build --locked --bin deedbook --bin deedbook-verify && \
	  scripts/unplanted.sh "$${CARGO_TARGET_DIR:-target}"/debug/deedbook && \
	  "$${CARGO_TARGET_DIR:-target}"/debug/deedbook demo

bench: ## how fast this machine appends, proves and verifies
	@$(PREPARE); cargo run --locked --release --bin deedbook -- bench

bench-evidence: ## an evidence package of a million entries: exported, and verified beside hashing the same bytes
	@$(PREPARE); cargo run --locked --release --bin deedbook -- bench --only evidence
	@cargo bench --locked --package deedbook-verify --bench packages

bench-lineage: ## queries of lineage beside petgraph's algorithms and beside PostgreSQL, on the same graph
	@$(PREPARE); scripts/bench-lineage.sh

interop: ## programs of others judge and feed a running ledger; needs Go and Python, and names what it could not run
	@$(PREPARE); scripts/interop.sh

attack: ## attacks against a ledger and against a plain hash chain, and what shows each
	@$(PREPARE); cargo run --locked --quiet --package deedbook-attack-lab -- $(ATTACK_FLAGS)

check: fmt-check lint deny test ## what CI gates on; run it before you call a change done

fmt-check: ## formatting
	@cargo fmt --all --check

lint: ## clippy, every warning an error
	@$(PREPARE); cargo clippy --locked --workspace --all-targets -- --deny warnings

deny: ## licences, sources and bans of all dependencies, by deny.toml
	@scripts/deny.sh check --hide-inclusion-graph licenses bans sources

advisories: ## known vulnerabilities in dependencies; needs the network, so not a gate
	@scripts/deny.sh check --hide-inclusion-graph advisories

clean: ## what cargo built in this clone; RocksDB's library stays in the cache
	@cargo clean
