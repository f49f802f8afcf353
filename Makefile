# Counterfoil. `make` or `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help debug with-tests run demo watch test fmt lint deny unit mutants bench bench-peers bench-load instructions seed cost openapi pictures console-pictures rendered advisories sbom licences axe test-axe test-clients test-oidc test-oracles test-signing test-truelayer-sandbox clean \
  tools validate build dist image deploy deploy-function invoke sam-invoke sam-api sam-files

# Where `make run` listens and keeps its data.
PORT ?= 3000
MAIL_PORT ?= 8025
DATA_DIR ?= .local
# An address that containers reach, for the sam-… targets; everybody who can reach it can do everything.
BIND ?= 127.0.0.1

TOOLS := $(CURDIR)/.tools
# What `make tools` installs comes first. It holds a Python, by which cargo-lambda finds zig.
export PATH := $(TOOLS)/python/bin:$(PATH)
export SAM_CLI_TELEMETRY ?= 0
CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := $(shell command -v cargo-deny || echo $(TOOLS)/bin/cargo-deny)
CARGO_MUTANTS_VERSION := 27.1.0
CARGO_MUTANTS := $(shell command -v cargo-mutants || echo $(TOOLS)/bin/cargo-mutants)
CARGO_CYCLONEDX_VERSION := 0.5.9
CARGO_CYCLONEDX := $(shell command -v cargo-cyclonedx || echo $(TOOLS)/bin/cargo-cyclonedx)
CARGO_ABOUT_VERSION := 0.9.3
CARGO_ABOUT := $(shell command -v cargo-about || echo $(TOOLS)/bin/cargo-about)

# $(call need,program,how to install it)
need = @command -v $(1) >/dev/null || { echo "$(1) is missing. Install it: $(2)" >&2; exit 1; }
need-cargo-lambda = $(call need,cargo-lambda,make tools)
need-sam = $(call need,sam,make tools)
need-docker = $(call need,docker,sudo apt-get install docker.io$(comma) or https://docs.docker.com/get-docker)
need-aws = $(call need,aws,make tools)
need-zig = @command -v zig >/dev/null || python3 -m ziglang version >/dev/null 2>&1 || \
  { echo "zig is missing, by which cargo-lambda links. Install it: make tools" >&2; exit 1; }
comma := ,
# $(call one-of,variable,values)
one-of = @[ -n "$(filter $($(1)),$(2))" ] || { echo "$(1)=$($(1)): must be one of: $(2)" >&2; exit 1; }

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

debug: ## build every function and tool, for this machine
	@echo "==> building (the first time takes some minutes; cargo shows how far it is)"
	cargo build --workspace --bins

run: debug ## run the whole service on this machine (PORT=3000 MAIL_PORT=8025 DATA_DIR=.local BIND=127.0.0.1; SIGNED=1 has Fintecture's requests signed)
	@exec target/debug/local --bind $(BIND) --port $(PORT) --mail-port $(MAIL_PORT) --data-dir $(DATA_DIR) --env LOCAL_LOOPBACK_WEBHOOKS=1 --parameter Console=on --parameter TrueLayer=sandbox $(if $(filter 1,$(SIGNED)),--signed)

# Where `make demo` keeps its data.
DEMO_DIR := .local-demo

# Made beside its place first: what was stopped half-way is made again.
demo: debug ## the same with a small shop's last 90 days in it, made once, in .local-demo (PORT=3000 MAIL_PORT=8025 BIND=127.0.0.1)
	@[ -d $(DEMO_DIR) ] || { rm -rf $(DEMO_DIR).new && \
	  target/debug/bench demo --data-dir $(DEMO_DIR).new --base-url http://127.0.0.1:$(PORT) && mv $(DEMO_DIR).new $(DEMO_DIR); }
	@exec $(MAKE) --no-print-directory run DATA_DIR=$(DEMO_DIR)

# With the tests and what they need: so that dependencies are built with the same features, and once, for all that follows.
with-tests:
	@echo "==> building all, with its tests (the first time takes some minutes; cargo shows how far it is)"
	cargo build --workspace --bins --tests --examples

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

# Where tests write down which of their permissions functions make use of.
PERMISSIONS := target/permissions
# Where tests write down the pages and mails that they render.
PAGES := $(CURDIR)/target/pages
RENDERED := --test browser rendered::every_rendered_page_can_be_read_by_everyone -- --exact --ignored

unit: with-tests
	@echo "==> tests"
	@rm -rf $(PERMISSIONS) $(PAGES)
	@mkdir -p $(PAGES)
	PERMISSIONS_DIR=$(PERMISSIONS) PAGES_DIR=$(PAGES) cargo test --workspace --tests
	@echo "==> pages: everyone can read what was rendered in these tests"
	@[ -f $(TOOLS)/axe.min.js ] || echo "    WITHOUT AXE-CORE, which is not in .tools: make test-axe fetches it"
	PAGES_DIR=$(PAGES) cargo test --workspace $(RENDERED)
	@echo "==> permissions: what functions may do is what they did in these tests"
	PERMISSIONS_DIR=$(PERMISSIONS) cargo test --workspace --test permissions functions_may_do -- --ignored

# MUTANTS="--shard 0/8" or MUTANTS="--file shared/payments/src/next_step.rs" does a part of them.
mutants: $(CARGO_MUTANTS) ## which changes of models, providers and payments their own tests do not notice (an hour or more; MUTANTS="--shard 0/8")
	@echo "==> mutants: cargo shows each that is missed; all are in target/mutants.out"
	$(CARGO_MUTANTS) mutants --package models --package providers --package payments --output target $(MUTANTS)

$(TOOLS)/bin/cargo-mutants:
	@echo "==> installing cargo-mutants $(CARGO_MUTANTS_VERSION) into .tools, once"
	cargo install cargo-mutants --version $(CARGO_MUTANTS_VERSION) --locked --root $(TOOLS)

cost: with-tests ## what a million payments cost on AWS, into docs/cost.md
	@echo "==> cost"
	target/debug/bench cost --write

openapi: ## docs/openapi.yaml's schemas and examples, the tables of docs/wire-formats.md and docs/errors.md, and docs/bruno, from the code
	@echo "==> openapi"
	UPDATE_OPENAPI=1 cargo test --package api --lib -- the_document_is_what_the_types_say the_tables_are_what_the_code_says \
	  every_code_is_explained
	UPDATE_BRUNO=1 cargo test --package api --lib -- the_collection_is_what_the_document_says

advisories: $(CARGO_DENY) ## known vulnerabilities of our dependencies (needs a network)
	$(CARGO_DENY) check advisories

sbom: $(CARGO_CYCLONEDX) ## what the functions are made of, as CycloneDX, into target/sbom (ARCH=arm64|x86_64)
	$(call one-of,ARCH,arm64 x86_64)
	$(call need,python3,sudo apt-get install python3)
	@rm -rf target/sbom
	@tools/sbom.py $(CARGO_CYCLONEDX) $(ARCH:arm64=aarch64)-unknown-linux-gnu $(FUNCTIONS)

$(TOOLS)/bin/cargo-cyclonedx:
	@echo "==> installing cargo-cyclonedx $(CARGO_CYCLONEDX_VERSION) into .tools, once"
	cargo install cargo-cyclonedx --version $(CARGO_CYCLONEDX_VERSION) --locked --root $(TOOLS)

# Where `make licences` writes, and tools/dist.sh reads.
THIRD_PARTY := target/THIRD-PARTY.txt

licences: $(CARGO_ABOUT) ## the crates that are linked, with their licences' texts, into target/THIRD-PARTY.txt
	@echo "==> licences' texts"
	@mkdir -p $(dir $(THIRD_PARTY))
	$(CARGO_ABOUT) generate --workspace --locked --fail --config tools/about.toml --output-file $(THIRD_PARTY) tools/licences.hbs
	@if grep 'NO COPYRIGHT NOTICE' $(THIRD_PARTY) >&2; then rm $(THIRD_PARTY); \
	  echo "cargo-about finds no licence's text in these: name the file in tools/about.toml" >&2; exit 1; fi

$(TOOLS)/bin/cargo-about:
	@echo "==> installing cargo-about $(CARGO_ABOUT_VERSION) into .tools, once"
	cargo install cargo-about --version $(CARGO_ABOUT_VERSION) --features cli --locked --root $(TOOLS)

$(TOOLS)/bin/cargo-deny:
	@echo "==> installing cargo-deny $(CARGO_DENY_VERSION) into .tools, once"
	cargo install cargo-deny --version $(CARGO_DENY_VERSION) --locked --debug --root $(TOOLS) # built in half the time

# What is deployed. `make build FUNCTIONS=create` builds only some.
FUNCTIONS := $(patsubst functions/%/Cargo.toml,%,$(wildcard functions/*/Cargo.toml))

# Where the peers are put.
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

instructions: with-tests ## instructions of starts and requests against their budget (INSTRUCTIONS=--record writes a new one)
	@echo "==> building create and refund for release (some minutes the first time)"
	cargo build --release -p create -p refund
	target/debug/bench instructions $(INSTRUCTIONS)

# How many sessions `make seed` adds.
SESSIONS ?= 1000000

bench-load: ## whole payments at a fixed rate, and whether anything was lost (LOAD="--rate 200 --sessions 1000000")
	@echo "==> building every function for release (some minutes)"
	cargo build --release $(addprefix -p ,$(FUNCTIONS))
	@echo "==> building what measures"
	cargo build --profile measure -p bench
	target/measure/bench load $(LOAD)

seed: debug ## add sessions to the local data (SESSIONS=1000000 DATA_DIR=.local), with `make run` stopped
	cargo build --profile measure -p bench
	target/measure/bench seed --count $(SESSIONS) --data-dir $(DATA_DIR) --bin-dir target/debug

test-axe: rendered axe ## axe-core on every page and mail (needs a network, once)
	@echo "==> axe: pages and mails as they are rendered, then every page of the running service"
	BROWSER_TESTS=required AXE=required PAGES_DIR=$(PAGES) cargo test --workspace $(RENDERED)
	BROWSER_TESTS=required AXE=required cargo test --workspace --test browser states::

AXE_VERSION := 4.14.1
AXE_SHA256 := e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745

$(TOOLS)/axe.min.js:
	@echo "==> fetching axe-core $(AXE_VERSION) into .tools, once"
	@mkdir -p $(TOOLS) && dir=$$(mktemp -d) && trap "rm -rf $$dir" EXIT && \
	  curl --proto '=https' -sSfL -o $$dir/axe.tgz https://registry.npmjs.org/axe-core/-/axe-core-$(AXE_VERSION).tgz && \
	  echo "$(AXE_SHA256)  $$dir/axe.tgz" | sha256sum --check --quiet && tar xzf $$dir/axe.tgz -C $$dir package/axe.min.js && mv $$dir/package/axe.min.js $@

axe: $(TOOLS)/axe.min.js

# Pages and mails as tests render them.
rendered: with-tests
	@rm -rf $(PAGES)
	@mkdir -p $(PAGES)
	PAGES_DIR=$(PAGES) cargo test --quiet --package checkout --package mails --package mocks --lib

pictures: rendered ## pictures of every page, into docs/pages
	PAGES_DIR=$(PAGES) BROWSER_TESTS=required cargo test --workspace --test browser pictures::pictures -- --exact --ignored

console-pictures: with-tests ## pictures of the console, of what `make demo` shows, into docs/console
	BROWSER_TESTS=required cargo test --workspace --test browser console_pictures::console_pictures -- --exact --ignored

test-clients: ## the vendors' own clients against a running `make run` (needs Node.js, python3 with venv and a network; SIGNED=1 as there)
	@dir=$$(mktemp -d) && trap "rm -rf $$dir" EXIT && cp tests/clients/* $$dir && cd $$dir && \
	  npm install --silent --no-fund --no-audit @banked/node@0.0.12 fintecture-client@2.0.2 && \
	  python3 -m venv python && python/bin/pip install --disable-pip-version-check --quiet fintecture==1.3.1 && \
	  export BASE_URL=http://127.0.0.1:$(PORT) SIGNED=$(SIGNED) && \
	  node banked-node.js && node fintecture-node.js && python/bin/python fintecture-python.py && \
	  node fintecture-webhook.js && python/bin/python fintecture-webhook.py

# The issuer starts the test, which finds it by its address.
test-oidc: with-tests ## signing in to the console at npm's oidc-provider (needs Node.js and a network)
	@dir=$$(mktemp -d) && trap "rm -rf $$dir" EXIT && cp tests/clients/oidc-provider.mjs $$dir && \
	  npm install --prefix $$dir --silent --no-fund --no-audit oidc-provider@9.13.3 && node $$dir/oidc-provider.mjs \
	  cargo test --workspace --test e2e console_oidc_provider::a_browser_signs_in_at_oidc_provider -- --exact --ignored

# OpenSSL is what the published crate signs by; nothing of ours links it.
test-signing: ## our signatures against TrueLayer's own published crate, both ways (needs OpenSSL's headers)
	@pkg-config --exists openssl 2>/dev/null || \
	  { echo "OpenSSL's headers are missing. Install them: sudo apt-get install libssl-dev pkg-config" >&2; exit 1; }
	@echo "==> signatures"
	CARGO_TARGET_DIR=target cargo test --locked --manifest-path tests/signing/Cargo.toml

test-truelayer-sandbox: with-tests ## a person pays in TrueLayer's sandbox, recorded into tests/truelayer (TRUELAYER_SECRET_FILE=secret.json)
	@[ -f "$(TRUELAYER_SECRET_FILE)" ] || \
	  { echo 'where are the credentials? make test-truelayer-sandbox TRUELAYER_SECRET_FILE=secret.json' >&2; exit 1; }
	TRUELAYER_SECRET_FILE=$(abspath $(TRUELAYER_SECRET_FILE)) cargo test --workspace --test browser \
	  truelayer_sandbox::a_person_pays -- --exact --ignored --nocapture

# Other implementations of what `local` stands for, as tests/contract/requirements.txt pins them.
ORACLES := $(TOOLS)/oracles

test-oracles: $(if $(AWS_PROFILE),,$(ORACLES)/installed) ## contracts against ministack and moto or, with AWS_PROFILE (and AWS_REGION), AWS
	@echo "==> contracts"
	ORACLES=$(ORACLES)/bin cargo test --workspace --test contract oracles::oracles -- --exact --ignored --nocapture

$(ORACLES)/installed: tests/contract/requirements.txt
	@python3 -c "import ensurepip, venv" 2>/dev/null || { echo "python3 with venv is needed: on Debian, apt-get install python3-venv"; exit 1; }
	@echo "==> installing ministack and moto into .tools"
	@rm -rf $(ORACLES)
	python3 -m venv $(ORACLES)
	$(ORACLES)/bin/pip install --disable-pip-version-check --quiet -r tests/contract/requirements.txt
	@touch $@

tools: ## install cargo-lambda with zig, the SAM CLI and the AWS CLI into .tools
	$(call need,python3,sudo apt-get install python3-venv)
	@echo "==> installing tools/requirements.txt into .tools"
	python3 -m venv $(TOOLS)/python
	$(TOOLS)/python/bin/pip install --disable-pip-version-check --quiet -r tools/requirements.txt

validate: ## template.yaml and deploy/edge.yaml by SAM's and CloudFormation's rules
	$(need-sam)
	sam validate --lint --region eu-west-2
	sam validate --lint --template deploy/edge.yaml --region us-east-1

# What the binaries are built for: the template's parameter Architecture.
ARCH := arm64
# What provided.al2023 has. <https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html>
GLIBC := 2.34
# $(call check-glibc,binaries)
define check-glibc
for binary in $(1); do \
  newest=$$(grep -aoE 'GLIBC_[0-9.]+' $$binary | cut -d_ -f2 | sort -uV | tail -1); \
  [ -n "$$newest" ] && [ "$$(printf '%s\n' $$newest $(GLIBC) | sort -V | tail -1)" = $(GLIBC) ] || \
    { echo "$$binary needs glibc '$$newest'; Lambda has $(GLIBC), for which cargo-lambda with zig builds: make tools" >&2; exit 1; }; \
done
endef

build: ## build the functions as they are deployed (ARCH=arm64|x86_64 FUNCTIONS="create get")
	$(call one-of,ARCH,arm64 x86_64)
	$(need-cargo-lambda)
	$(need-zig)
	@echo "==> building for $(ARCH) (some minutes)"
	cargo lambda build --release --$(subst _,-,$(ARCH)) $(addprefix -p ,$(FUNCTIONS))
# What cargo lambda deploy leaves there, and SAM would take along.
	@rm -f $(FUNCTIONS:%=target/lambda/%/bootstrap.zip)
	@$(call check-glibc,$(FUNCTIONS:%=target/lambda/%/bootstrap))

# What a release is called, and what is in it beside the functions.
VERSION := $(shell awk -F '"' '/^version = / {print $$2; exit}' Cargo.toml)
DIST = counterfoil-$(VERSION)-$(ARCH)
DIST_TOOLS := local counterfoil
dist image: ARCH = $(MACHINE_ARCH)

# Functions are built alone, and then the tools: together they would be linked with what only those need. Without zig a binary
# needs the glibc of the machine that it is built on.
dist: licences ## an archive that runs where Rust is not, and can be deployed, into dist (ARCH=arm64|x86_64, this machine's without it)
	$(call one-of,ARCH,arm64 x86_64)
	@if command -v cargo-lambda >/dev/null && { command -v zig || python3 -m ziglang version; } >/dev/null 2>&1; then \
	  $(MAKE) --no-print-directory build ARCH=$(ARCH) && echo "==> building $(DIST_TOOLS) for $(ARCH) (some minutes)" && \
	  cargo lambda build --release --$(subst _,-,$(ARCH)) -p local -p admin && \
	  binaries="$(patsubst %,target/lambda/%/bootstrap,$(DIST_TOOLS) $(FUNCTIONS))"; \
	elif [ $(ARCH) = $(MACHINE_ARCH) ]; then \
	  echo "==> building all for this machine, without zig (some minutes)" && \
	  cargo build --release $(addprefix -p ,$(FUNCTIONS)) && cargo build --release -p local -p admin && \
	  binaries="$(addprefix target/release/,$(DIST_TOOLS) $(FUNCTIONS))"; \
	else echo "only cargo-lambda with zig builds for $(ARCH) on this machine. Install them: make tools" >&2; exit 1; fi && \
	$(call check-glibc,$$binaries) && echo "==> packing dist/$(DIST).tar.gz" && tools/dist.sh $(DIST) $$binaries

# What the image is made on: Debian, or something of its kind.
BASE ?= debian:bookworm-slim

image: ## an image that runs the whole service, from the archive of `make dist` (BASE=debian:bookworm-slim; needs Docker)
	$(need-docker)
	@[ $(ARCH) = $(MACHINE_ARCH) ] || { echo "make an image for $(ARCH) on such a machine: this one is $(MACHINE_ARCH)" >&2; exit 1; }
	@[ -f dist/$(DIST).tar.gz ] || { echo "there is no dist/$(DIST).tar.gz: make dist" >&2; exit 1; }
	@echo "==> building counterfoil:$(VERSION)"
	docker build --build-arg BASE=$(BASE) --build-arg ARCHIVE=dist/$(DIST).tar.gz --tag counterfoil:$(VERSION) .

# The environment of samconfig.toml that is deployed to, and the architecture that it says.
ENV := dev
env-arch = $(shell awk '/^\[/ {on = index($$0, "[$(ENV).") == 1} \
  on && match($$0, /Architecture=[a-z0-9_]+/) {print substr($$0, RSTART + 13, RLENGTH - 13)}' samconfig.toml)

deploy: ## build, then deploy the whole (ENV=dev|prod, of samconfig.toml)
	$(call one-of,ENV,dev prod)
	$(need-sam)
	@$(MAKE) --no-print-directory build ARCH=$(env-arch)
	sam deploy --config-env $(ENV)

# A function's name is CloudFormation's own: it is asked for, so that nothing is made that the stack does not know. A binary
# may be the code of more than one.
define physical-names
$$(for id in $$(awk '/^  [A-Za-z]+:$$/ {id = $$1} $$0 ~ "CodeUri: target/lambda/$(F)/" {sub(":", "", id); print id}' template.yaml); \
  do aws cloudformation describe-stack-resource --stack-name counterfoil-$(ENV) --query StackResourceDetail.PhysicalResourceId \
  --output text --logical-resource-id $$id || exit 1; done)
endef

deploy-function: ## build and deploy the code of one function alone (F=create ENV=dev)
	$(call one-of,ENV,dev prod)
	$(call one-of,F,$(FUNCTIONS))
	$(need-aws)
	@names=$(physical-names) && echo "==> $(F) is" $$names
	@$(MAKE) --no-print-directory build ARCH=$(env-arch) FUNCTIONS=$(F)
	@names=$(physical-names) && for name in $$names; do cargo lambda deploy --binary-name $(F) --merge-env $$name || exit 1; done

# Other tools' hosts for the functions, on the table and queues of a running `make run`

VARIABLES := $(DATA_DIR)/functions.env
WATCH_PORT ?= 9000
SAM_PORT ?= 3001
MACHINE_ARCH := $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)
need-run = @[ -f $(VARIABLES) ] || { echo "there is no $(VARIABLES): start \`make run\` first, with the same DATA_DIR" >&2; exit 1; }

watch: ## build a function when it is first called and whenever its source changes (WATCH_PORT=9000; with `make run`)
	$(need-cargo-lambda)
	$(need-run)
	cargo lambda watch --invoke-address 127.0.0.1 --invoke-port $(WATCH_PORT) --env-file $(VARIABLES) $(WATCH)

invoke: ## one function of `make watch`, by hand (F=create E=tests/events/create.json)
	$(need-cargo-lambda)
	@[ -n "$(F)" ] && [ -f "$(E)" ] || { echo 'say which: make invoke F=create E=tests/events/create.json' >&2; exit 1; }
	@cargo lambda invoke --invoke-address 127.0.0.1 --invoke-port $(WATCH_PORT) $(F) --data-file $(E)

sam-files:
	$(need-sam)
	$(need-docker)
	$(need-run)
	@tools/sam-files.sh $(VARIABLES)

SAM_LOCAL = --template target/sam/template.yaml --env-vars target/sam/variables.json --region eu-west-2 \
  --parameter-overrides Architecture=$(MACHINE_ARCH) --add-host host.docker.internal:host-gateway $(SAM)

sam-invoke: sam-files ## one function in Lambda's container (F=CreateFunction E=tests/events/create.json; with `make run BIND=172.17.0.1`)
	@f=$$(awk -F/ '/^  [A-Za-z]+:$$/ {on = $$1 == "  $(F):"} on && /CodeUri: target\/lambda\// {print $$3}' template.yaml); \
	[ -n "$$f" ] && [ -f "$(E)" ] || { echo 'say which: make sam-invoke F=CreateFunction E=tests/events/create.json' >&2; exit 1; }; \
	$(MAKE) --no-print-directory build ARCH=$(MACHINE_ARCH) FUNCTIONS=$$f
	sam local invoke $(F) --event $(E) $(SAM_LOCAL)

sam-api: sam-files ## the HTTP API by functions in Lambda's containers (SAM_PORT=3001; with `make run BIND=172.17.0.1`)
	@$(MAKE) --no-print-directory build ARCH=$(MACHINE_ARCH)
	sam local start-api --port $(SAM_PORT) --warm-containers LAZY --no-watch $(SAM_LOCAL)

clean: ## remove what was built, and the local data
	cargo clean
	rm -rf .tools .local $(DEMO_DIR) $(DEMO_DIR).new dist
