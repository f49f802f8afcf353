# Counterfoil. `make` or `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help debug run test fmt lint deny unit bench bench-peers bench-load bench-load-build bench-partitions instructions seed cost advisories test-clients clean

# Where `make run` listens and keeps its data.
PORT ?= 3000
MAIL_PORT ?= 8025
DATA_DIR ?= .local

TOOLS := $(CURDIR)/.tools
CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := $(shell command -v cargo-deny || echo $(TOOLS)/bin/cargo-deny)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

debug: ## build every function and tool, for this machine
	@echo "==> building (the first time takes some minutes; cargo shows how far it is)"
	cargo build --workspace --bins

run: debug ## run the whole service on this machine (PORT=3000 MAIL_PORT=8025 DATA_DIR=.local)
	@exec target/debug/local --port $(PORT) --mail-port $(MAIL_PORT) --data-dir $(DATA_DIR) --env LOCAL_LOOPBACK_WEBHOOKS=1

test: fmt lint deny unit ## everything that must hold: format, lints, licences, all tests

fmt:
	@echo "==> format"
	cargo fmt --all --check

lint:
	@echo "==> lints"
	cargo clippy --workspace --all-targets -- -D warnings

deny: $(CARGO_DENY)
	@echo "==> dependencies: bans, licences, sources"
	$(CARGO_DENY) --log-level error check bans licenses sources

unit: debug
	@echo "==> tests"
	cargo test --workspace

cost: debug ## what a million payments cost on AWS, into docs/cost.md
	@echo "==> cost"
	cargo run --package bench -- cost --write

advisories: $(CARGO_DENY) ## known vulnerabilities of our dependencies (needs a network)
	$(CARGO_DENY) check advisories

$(TOOLS)/bin/cargo-deny:
	@echo "==> installing cargo-deny $(CARGO_DENY_VERSION) into .tools, once"
	cargo install cargo-deny --version $(CARGO_DENY_VERSION) --locked --root $(TOOLS)

# What is measured, and where the peers are put.
FUNCTIONS := $(notdir $(wildcard functions/*))
PEERS := $(CURDIR)/target/bench

bench: bench-peers ## speed, memory and size beside the peers (BENCH="--only create,rust-put-item --rounds 10")
	@echo "==> building every function for release (some minutes)"
	cargo build --release $(addprefix -p ,$(FUNCTIONS))
	@echo "==> building what measures"
	cargo build --profile measure -p bench
	target/measure/bench functions $(BENCH)

bench-peers:
	@echo "==> building the peers (the first time takes some minutes)"
	cd bench/peers && cargo build --release --locked
	@mkdir -p $(PEERS)
	@cp -r bench/peers/node bench/peers/python $(PEERS)
	@if command -v node && command -v npm; then cd $(PEERS)/node && npm ci --no-fund --no-audit; \
	  else echo "node, npm: not found; the Node.js peer is left out"; fi
	@if command -v python3 && cd $(PEERS)/python && python3 -m venv venv; then \
	  venv/bin/pip install --disable-pip-version-check --quiet -r requirements.txt; \
	  else echo "python3 with venv: not found; the Python peer is left out"; fi

instructions: debug ## instructions of a warm request against their budget (INSTRUCTIONS=--record writes a new one)
	@echo "==> building create for release (some minutes the first time)"
	cargo build --release -p create
	target/debug/bench instructions $(INSTRUCTIONS)

# What a whole machine is driven with, and seeded to.
SESSIONS ?= 1000000

bench-load: bench-load-build ## requests a second, and CPU time by the number of sessions, up to 10^6 (LOAD="--only throughput")
	target/measure/bench load $(LOAD)

bench-load-build:
	@echo "==> building every function for release (some minutes)"
	cargo build --release $(addprefix -p ,$(FUNCTIONS))
	@echo "==> building what measures, and the peer"
	cargo build --profile measure -p bench
	cd bench/peers && cargo build --release --locked -p rust-put-item

bench-partitions: ## whether any partition of the table would get more than DynamoDB takes (PARTITIONS="--paid-percent 50")
	cargo run --profile measure -p bench -- partitions $(PARTITIONS)

seed: debug ## add sessions to the local data (SESSIONS=1000000 DATA_DIR=.local), with `make run` stopped
	cargo build --profile measure -p bench
	target/measure/bench seed --count $(SESSIONS) --data-dir $(DATA_DIR) --bin-dir target/debug

test-clients: ## Banked's own Node client against a running `make run` (needs Node.js and a network)
	@dir=$$(mktemp -d) && trap "rm -rf $$dir" EXIT && cp tests/clients/banked-node.js $$dir && cd $$dir && \
	  npm install --silent --no-fund --no-audit @banked/node@0.0.12 && BASE_URL=http://127.0.0.1:$(PORT) node banked-node.js

clean: ## remove what was built, and the local data
	cargo clean
	rm -rf .tools .local
