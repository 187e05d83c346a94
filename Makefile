# Everything a person or the gate does with this tree. `make help` lists it.
#
# Stamp files (.venv/.setup, ...) make a repeated call cost nothing; they are renewed when a lock changes.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PREFIX ?= /opt/txpool
PERIOD ?= auto
GETH ?=
ARGS ?=
TRACE ?=

BIN := .venv/bin
TOOLS := .tools/bin
CLIENTS := tests/clients
QUIETLY := --quiet --disable-pip-version-check

# $(call fitting,INTERPRETERS) is the first that all locked wheels are built for.
fitting = $(shell for p in $(1); do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
PYTHON ?= $(call fitting,python3 python3.13 python3.12 python3.11)
# Rust's, for the native kernel. Nothing else needs it.
CARGO ?= $(shell command -v cargo || ls $(HOME)/.cargo/bin/cargo 2>/dev/null)
# For `install`: no interpreter out of a home directory, if there is another.
SYSTEM_PYTHON ?= $(call fitting,/usr/bin/python3 /usr/local/bin/python3 $(PYTHON))

##@ Use

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

setup: .venv/.setup .venv/.kernel ## install everything into .venv, which then has bin/txpool
	@:

run: setup ## start the daemon on the embedded dev chain (ARGS="--set ...", PERIOD=2)
	@exec $(BIN)/txpool run --dev --dev-period $(PERIOD) $(ARGS)

demo: setup ## a daemon, a few transactions, what the pool and the metrics say of them
	@docs/demo.sh

install: setup ## install for the system: PREFIX=/opt/txpool gets bin/txpool, without test tools; TRACE=1 with trace-alloc's
	$(SYSTEM_PYTHON) -m venv --without-pip "$(PREFIX)"
	$(BIN)/pip --python "$(PREFIX)/bin/python" install $(QUIETLY) --require-hashes -r requirements/$(if $(TRACE),trace,runtime).txt
	@rm -rf build
	$(BIN)/pip wheel $(QUIETLY) --no-deps --no-build-isolation --wheel-dir build/wheel .
	$(BIN)/pip --python "$(PREFIX)/bin/python" install $(QUIETLY) --no-deps --no-index --force-reinstall build/wheel/*.whl
	@rm -rf build
	@kernel=$$($(BIN)/python -c $(KERNEL_PATH)); if test -e "$$kernel"; then \
		install -m644 "$$kernel" "$$("$(PREFIX)/bin/python" -c $(KERNEL_PATH))"; fi
	@case "$$(readlink -f "$(PREFIX)/bin/python")" in /root/*|/home/*) \
		echo "note: this interpreter lives in a home directory, where the systemd unit cannot see it;" \
			"name another: make install SYSTEM_PYTHON=/usr/bin/python3" >&2;; esac

##@ Check

test: setup ## run the test suite (ARGS="-k replacement -x")
	@$(BIN)/pytest $(ARGS)

test-long: setup ## run every test, with Hypothesis' long profile
	@$(BIN)/pytest -m '' --hypothesis-profile=long $(ARGS)

test-matrix: setup ## the pool's tests and models and every recorded scenario, on each store
	@$(BIN)/pytest -m 'not long' tests/stores tests/core tests/model tests/history tests/oracle $(ARGS)

test-deps: .tools/.node .venv/.clients $(TOOLS)/promtool $(TOOLS)/systemd-analyze $(TOOLS)/strace ## install outside tools for tests: cast, anvil, ethers, viem, web3.js, web3.py, promtool, systemd-analyze, strace

fuzz-decoder: setup ## ten million broken transactions through every decoder (ARGS="--inputs 1000000 --seed 7")
	@$(BIN)/python -m tests.fuzz.decoder_run $(ARGS)

fuzz-geth: setup ## seeded scenarios against a live geth: GETH=path (ARGS="--seeds 100", see docs/fuzzing.md)
	@GETH="$(GETH)" $(BIN)/python -m tests.differential.search $(ARGS)

lint: setup ## ruff (style, format), mypy strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

coverage: setup ## run the test suite and show the branches it leaves out
	@$(BIN)/pytest --cov --cov-report=term --ignore=tests/cli/test_start.py $(ARGS) # that one looks at what a child imports

bench: setup ## measure: CPU and bytes a transaction, pauses, loop turns (ARGS="--help")
	@$(BIN)/python -m bench $(ARGS)

bench-versus: setup ## our daemon beside a geth, round by round: GETH=path/to/geth (ARGS="--rounds 1 --transactions 10000")
	@test -n "$(GETH)" || { echo "name a geth binary: make bench-versus GETH=path; docs/benchmarks.md says how one gets it" >&2; exit 2; }
	@$(BIN)/python -m bench versus --geth "$(GETH)" $(ARGS)

experiment-quick: setup ## what memory costs, store by store, and what of a study's claims holds: a first look in five minutes
	@$(BIN)/txpool experiment all --quick $(ARGS)

experiments: setup ## the same at length, some hours (ARGS="--repeats 3"; `txpool experiment list` says how long each takes)
	@$(BIN)/txpool experiment all $(ARGS)

##@ Keep

lock: setup ## renew requirements/*.txt and package-lock.json from what pyproject.toml and package.json ask for
	$(BIN)/pip install --quiet uv
	$(LOCK) -o requirements/runtime.txt
	$(LOCK) --extra trace -c requirements/runtime.txt -o requirements/trace.txt
	$(LOCK) --extra trace --group dev -c requirements/trace.txt -o requirements/dev.txt
	$(LOCK) --extra trace --group dev --group clients -c requirements/dev.txt -o requirements/clients.txt
	cd $(CLIENTS) && npm install --package-lock-only

clean: ## remove what was built and installed here
	rm -rf .venv .tools build native/target *.egg-info .coverage .hypothesis .*_cache $(CLIENTS)/node_modules
	find . -name __pycache__ -prune -exec rm -rf {} +

LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock"

.venv/.setup: requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "txpool needs Python 3.11, 3.12 or 3.13; name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "$(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/pip install $(QUIETLY) --require-hashes -r requirements/dev.txt
	$(BIN)/pip install $(QUIETLY) --no-deps --no-build-isolation --editable .
	@touch $@

# Where it cannot be built all works without it, only slower: so a failure is told and ends nothing.
.venv/.kernel: .venv/.setup native/Cargo.toml native/Cargo.lock $(wildcard native/src/*.rs native/src/*/*.rs)
	@if test -z "$(CARGO)"; then echo "$(NO_KERNEL): cargo (Rust 1.89 or later) is not installed" >&2; \
	elif echo "building the native kernel" && (cd native && $(CARGO) build --release --locked --quiet) 2>.venv/kernel.log; then \
		install -m644 native/target/release/libtxpool_kernel.so "$$($(BIN)/python -c $(KERNEL_PATH))" && touch $@; \
	else tail -5 .venv/kernel.log >&2; echo "$(NO_KERNEL): see .venv/kernel.log" >&2; fi

NO_KERNEL := note: no native kernel, so transactions take more CPU, in batches up to twice as much
KERNEL_PATH := 'import sysconfig; print(sysconfig.get_path("platlib") + "/txpool_kernel.abi3.so")'

.venv/.clients: requirements/clients.txt .venv/.setup
	$(BIN)/pip install $(QUIETLY) --require-hashes -r requirements/clients.txt
	@touch $@

# cast and anvil come as their bare binaries: npm's wrapper around cast returns 0 even when cast fails.
.tools/.node: $(CLIENTS)/package-lock.json
	@command -v npm >/dev/null || { $(call debian,npm nodejs); }
	cd $(CLIENTS) && npm ci
	@mkdir -p $(TOOLS)
	@for tool in cast anvil; do \
		ln -sf $(CURDIR)/$(CLIENTS)/node_modules/@foundry-rs/$$tool-linux-amd64/bin/$$tool $(TOOLS)/; \
		$(TOOLS)/$$tool --version | head -1; done
	@touch $@

# Only the checker out of Debian's prometheus package: no server is installed, none is started.
$(TOOLS)/promtool:
	@mkdir -p $(TOOLS) .tools/deb
	@if command -v promtool >/dev/null; then ln -sf "$$(command -v promtool)" $@; else \
		if [ $$(id -u) = 0 ]; then apt-get -q update >/dev/null; fi; \
		cd .tools/deb && apt-get -qq -o APT::Sandbox::User= download prometheus && dpkg -x prometheus_*.deb . && \
		mv usr/bin/promtool $(CURDIR)/$@ && rm -rf $(CURDIR)/.tools/deb; fi
	@$@ --version | head -1

$(TOOLS)/systemd-analyze:
	@mkdir -p $(TOOLS)
	@command -v systemd-analyze >/dev/null || { $(call debian,systemd); }
	@ln -sf "$$(command -v systemd-analyze)" $@

$(TOOLS)/strace:
	@mkdir -p $(TOOLS)
	@command -v strace >/dev/null || { $(call debian,strace); }
	@ln -sf "$$(command -v strace)" $@

# $(call debian,PACKAGES) installs Debian packages, or says which to install.
debian = [ $$(id -u) = 0 ] && apt-get -q update >/dev/null && apt-get -qy install --no-install-recommends $(1) >/dev/null || \
	{ echo "missing here; on Debian: apt-get install $(1)" >&2; exit 1; }

.PHONY: help setup run demo install test test-long test-matrix test-deps fuzz-decoder fuzz-geth lint coverage bench bench-versus experiment-quick experiments lock clean
