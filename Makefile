# Thin: what is done is in `crates/stack` (up, down, status, seed, test) and in cargo. `make help` lists the targets.

# dev builds faster and runs slower: `make up PROFILE=dev`
PROFILE ?= release
# more words for cargo test: `make test ARGS='-p catalog'`
ARGS ?= --workspace
# of `make check-freshness`: seconds, what follows from what, more words (`target/release/loadtest freshness --help`), and what is
# checked one after another; `all` is everything at once, whose readers then share the machine
DURATION ?= 600
SEED ?= 1
DOMAINS ?= catalog stories packages
# of `make check-uploads`: kills of each process
KILLS ?= 200
# of `make profile`: what is asked of which service, for how long each view; or a running one, by ATTACH=gateway (of `make up`) or PID=
SERVICE ?= gateway
SCENARIO ?= hot
VIEW ?= cpu,wait
SECONDS ?= 10
# of `make bench`: scenarios; all of them when none is named
BENCH ?=
# of `make backup` and `make restore`: the directory
TO ?=
FROM ?=
FLAGS ?=

export PATH := $(PATH):$(HOME)/.cargo/bin

# The first build of the launcher takes a while and should be seen; later ones should not.
TARGET := $(or $(CARGO_TARGET_DIR),target)
QUIET := $(if $(wildcard $(TARGET)/debug/stack),-q)
STACK := cargo run $(QUIET) -p stack --

DENY_VERSION := 0.20.2
TOOLS := .aldia/tools

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help up down monitor trace status seed backup restore test check-freshness check-sabotage check-uploads check-alarms check-restore check-tus bench profile lint fmt docs toolchain deny

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: toolchain ## install what is missing, build, start everything in the background, return when ready
	@$(STACK) up --profile $(PROFILE) $(FLAGS)

down: toolchain ## stop exactly what `make up` started; the data stays (`cargo run -p stack -- down --data` removes it)
	@$(STACK) down

monitor: toolchain ## what the running system does now, every two seconds; `make monitor FLAGS='--once --json'`
	@cargo run $(if $(wildcard $(TARGET)/debug/aldia),-q) -p monitor -- monitor $(FLAGS)

trace: toolchain ## a trace of the running system as a tree; `make trace FLAGS=--last`, `FLAGS=--slow`, FLAGS=<id of trace or request>
	@cargo run $(if $(wildcard $(TARGET)/debug/aldia),-q) -p monitor -- trace $(FLAGS)

status: toolchain ## what runs, and whether it is ready
	@$(STACK) status

seed: toolchain ## load the demo data into the running system again
	@$(STACK) seed

backup: toolchain ## copy databases, objects and keys of the running system to a new directory: `make backup TO=/mnt/backup/monday`
	@$(STACK) backup $(TO) $(FLAGS)

restore: toolchain ## put a backup into an empty state directory and check it: `make restore FROM=/mnt/backup/monday`
	@$(STACK) restore $(FROM) --profile $(PROFILE) $(FLAGS)

test: toolchain ## all tests, against throwaway PostgreSQL, Redis and NATS
	cargo build --workspace --bins
	@$(STACK) test -- cargo test $(ARGS)

check-freshness: toolchain ## read, write and break every part of each of DOMAINS for DURATION=600 seconds by SEED=1: no answer may be stale
	cargo build --release -p catalog -p stories-feed -p package-ledger -p gateway -p loadtest
	@for domain in $(DOMAINS); do \
		$(TARGET)/release/loadtest freshness --domain $$domain --seconds $(DURATION) --seed $(SEED) \
			--report $(TARGET)/check-freshness/$$domain $(FLAGS) || exit 1; done

check-sabotage: toolchain ## break the protocol on purpose in each way, for each service: the check must find it within a minute
	cargo build --release -p loadtest
	@for domain in $(filter-out all,$(DOMAINS)); do for way in no_stamp no_ack_wait store_late ignore_lease unversioned_fill; do \
		$(TARGET)/release/loadtest freshness --domain $$domain --sabotage $$way --seed $(SEED) $(FLAGS) || exit 1; done; done

check-uploads: toolchain ## upload while service, worker, gateway and NATS are killed KILLS=200 times each by SEED=1: nothing may be lost
	cargo build --release -p upload-ingest -p gateway -p loadtest
	$(TARGET)/release/loadtest upload-crash --kills $(KILLS) --seed $(SEED) $(FLAGS)

check-alarms: toolchain ## make faults of seven kinds before a real Prometheus: the right alert must fire, no other, and the logs name the cause
	cargo build --release -p catalog -p upload-ingest -p stories-feed -p package-ledger -p gateway -p loadtest
	$(TARGET)/release/loadtest alarms $(FLAGS)

check-restore: toolchain ## back up, destroy and restore a system with data in all services: everything as it was, nothing lost is confirmed
	cargo build --release -p catalog -p upload-ingest -p stories-feed -p package-ledger -p gateway -p stack -p loadtest
	$(TARGET)/release/loadtest restore $(FLAGS)

check-tus: ## uploads by tus-js-client, tuspy and curl against the running system, broken off and resumed
	loadtest/interop/run.sh $(FLAGS)

bench: toolchain ## measure cold, warm and contended beside peers: `make bench BENCH='stories packages' FLAGS='--gate'`, or `FLAGS=--quick`
	cargo build --release -p catalog -p stories-feed -p package-ledger -p upload-ingest -p gateway -p loadtest
	$(TARGET)/release/loadtest bench $(BENCH) --programs $(TARGET)/release --folder $(TARGET)/bench --report $(TARGET)/bench/report $(FLAGS)

# Frame pointers are for everything, C as well, so these programs have a target folder of their own.
profile: toolchain ## flame graph of a running service: `make profile SERVICE=gateway SCENARIO=hot VIEW=cpu,wait,alloc`, or `ATTACH=gateway`
	RUSTFLAGS='-Cforce-frame-pointers=yes' CFLAGS='-fno-omit-frame-pointer' cargo build --profile profiling \
		--target-dir $(TARGET)/profiling -p loadtest $(if $(PID)$(ATTACH),,-p gateway -p $(SERVICE))
	$(TARGET)/profiling/profiling/loadtest profile --view $(VIEW) --seconds $(SECONDS) --programs $(TARGET)/profiling/profiling \
		--output $(TARGET)/profile $(if $(PID),--pid $(PID),$(if $(ATTACH),--attach $(ATTACH),--service $(SERVICE) --scenario $(SCENARIO))) \
		$(FLAGS)

# All programs are built together, as `test` does: one alone would have other features, and most of the tree be compiled again.
lint: toolchain deny ## format, clippy, docs, dependencies, house rules, generated files
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items
	$(TOOLS)/bin/cargo-deny --offline check bans licenses sources
	cargo run -q -p xtask -- tidy
	cargo run -q -p xtask -- perf --check
	cargo build --workspace --bins
	cargo run -q -p xtask -- errors --check --bin-dir $(TARGET)/debug
	cargo run -q -p xtask -- openapi --check --bin-dir $(TARGET)/debug

fmt: toolchain ## format the code
	cargo fmt --all

docs: toolchain ## write docs/ERRORS.md, proto/openapi and what follows from perf.toml anew, and the crates' documentation to target/doc
	cargo build --workspace --bins
	cargo run -q -p xtask -- errors --bin-dir $(TARGET)/debug
	cargo run -q -p xtask -- openapi --bin-dir $(TARGET)/debug
	cargo run -q -p xtask -- perf
	cargo doc --workspace --no-deps --document-private-items

# What must be there before the launcher can be built and see to the rest.
toolchain:
	@command -v cargo >/dev/null || { echo "cargo is missing; get Rust from https://rustup.rs:" >&2; \
		echo "    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" >&2; exit 1; }
	@command -v cc >/dev/null || { \
		if [ "$$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2>/dev/null; then sudo='sudo -n'; else \
			echo "a C compiler is missing; run: sudo apt-get install --yes --no-install-recommends gcc libc6-dev" >&2; \
			exit 1; fi; \
		echo "a C compiler is missing; installing gcc and libc6-dev" >&2; \
		$$sudo apt-get -q update && $$sudo env DEBIAN_FRONTEND=noninteractive \
			apt-get -q install --yes --no-install-recommends gcc libc6-dev; }

# `cargo fetch`: the check itself does not use the network, so every manifest of the lock file must be there already.
deny: toolchain
	@$(TOOLS)/bin/cargo-deny --version 2>/dev/null | grep -qx 'cargo-deny $(DENY_VERSION)' || { \
		cargo install --locked --debug --root $(TOOLS) --target-dir $(TOOLS)/target cargo-deny@$(DENY_VERSION) && \
		rm -rf $(TOOLS)/target; }
	@cargo fetch -q --locked
