# Counterfoil. `make` or `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help build run test fmt lint deny unit advisories test-clients clean

# Where `make run` listens and keeps its data.
PORT ?= 3000
MAIL_PORT ?= 8025
DATA_DIR ?= .local

TOOLS := $(CURDIR)/.tools
CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := $(shell command -v cargo-deny || echo $(TOOLS)/bin/cargo-deny)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build every function and tool, for this machine
	@echo "==> building (the first time takes some minutes; cargo shows how far it is)"
	cargo build --workspace --bins

run: build ## run the whole service on this machine (PORT=3000 MAIL_PORT=8025 DATA_DIR=.local)
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

unit: build
	@echo "==> tests"
	cargo test --workspace

advisories: $(CARGO_DENY) ## known vulnerabilities of our dependencies (needs a network)
	$(CARGO_DENY) check advisories

$(TOOLS)/bin/cargo-deny:
	@echo "==> installing cargo-deny $(CARGO_DENY_VERSION) into .tools, once"
	cargo install cargo-deny --version $(CARGO_DENY_VERSION) --locked --root $(TOOLS)

test-clients: ## Banked's own Node client against a running `make run` (needs Node.js and a network)
	@dir=$$(mktemp -d) && trap "rm -rf $$dir" EXIT && cp tests/clients/banked-node.js $$dir && cd $$dir && \
	  npm install --silent --no-fund --no-audit @banked/node@0.0.12 && BASE_URL=http://127.0.0.1:$(PORT) node banked-node.js

clean: ## remove what was built, and the local data
	cargo clean
	rm -rf .tools .local
