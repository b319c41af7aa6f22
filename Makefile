# Two targets for a newcomer: `make demo` and `make test`. Everything else is a part of them.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# pytest rewrites each test file for its messages: 2 s for every worker, once only where bytecode may be kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test lint format unit simulation lab bench footprint picture playbook package clean

help:
	@echo "make demo        watch a scripted incident on loopback, no root needed"
	@echo "make test        lint, types, the whole suite; as root also the lab with the real servers and browser"
	@echo "make bench       measure, and write docs/benchmarks.md (root)"
	@echo "make footprint   measure what the daemon takes; fails when that got worse by more than 10 % (root)"
	@echo "make package     build what is shipped, into dist/: bundles, Debian package"
	@echo "make lint unit simulation lab browser    the parts of make test"

demo: $(VENV)/.runtime
	$(BIN)/tonekeeper demo $(DEMO)

test: lint unit simulation lab browser

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

unit: $(VENV)/.dev
	$(BIN)/pytest -n auto

simulation: $(VENV)/.dev
	$(BIN)/pytest -m simulation -n auto --durations=5

# The lab needs root: namespaces, and servers that apt-get installs. TONEKEEPER_LAB=required makes its absence a failure.
lab: $(VENV)/.dev
	@if [ "$$(id -u)" = 0 ]; then \
	  tests/lab/install-packages && $(BIN)/pytest -m lab -n 4 --durations=5; \
	elif [ "$$TONEKEEPER_LAB" = required ]; then \
	  echo "cannot run the lab: it is required, and needs root"; exit 1; \
	else \
	  echo "NOT RUN: the lab (tests/lab: real kernel NAT, Kamailio). It needs root; run 'sudo make lab'."; \
	fi

# Likewise: Chromium, and the lab whose agent it watches.
browser: $(VENV)/.dev
	@if [ "$$(id -u)" = 0 ]; then \
	  tests/lab/install-packages && tests/browser/install-packages && $(BIN)/pytest -m browser tests/browser --durations=5; \
	elif [ "$$TONEKEEPER_LAB" = required ]; then \
	  echo "cannot run the browser: it is required, and needs root"; exit 1; \
	else \
	  echo "NOT RUN: the browser (tests/browser: real Chromium). It needs root; run 'sudo make browser'."; \
	fi

bench: $(VENV)/.dev
	tests/lab/install-packages tests/bench/packages.txt
	$(BIN)/python -m tests.bench

footprint: $(VENV)/.dev
	tests/lab/install-packages
	$(BIN)/python -m tests.bench.footprint_guard

picture: $(VENV)/.dev
	$(BIN)/python -m tests.browser.picture docs/status-page.png

playbook: $(VENV)/.dev
	$(BIN)/python -m tests.playbook docs/playbook.md

# What is shipped, into dist/. The Debian package needs dpkg-deb and objdump.
package:
	PYTHON=$(PYTHON) packaging/pyinstaller/build dist
	@if command -v dpkg-deb >/dev/null && command -v objdump >/dev/null; then \
	  packaging/debian/build dist; \
	else \
	  echo "NOT BUILT: the Debian package. It needs dpkg-deb and objdump (apt-get install dpkg binutils)."; \
	fi

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "cannot build: Python 3.11 or newer is needed; make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.runtime

clean:
	rm -rf $(VENV) tests/browser/node_modules build dist *.egg-info agent/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find agent tests -name __pycache__ -type d -prune -exec rm -rf {} +
