# Needs make and Python 3.11 to 3.13; everything else goes into .venv.

PYTHON ?= python3
# What pip installs as PyTorch for `make bench`: a plain `torch` may bring several GB of CUDA libraries.
TORCH ?= torch

VENV := .venv
# Another Python than python3 gets an environment of its own: make test PYTHON=python3.13
ifneq ($(origin PYTHON),file)
VENV := .venv-$(shell $(PYTHON) -c 'import platform; print(platform.python_version())')
endif
BIN := $(VENV)/bin
# In a few processes, because one alone leaves most of a machine idle; each takes some 5 GB in the end. The files keep
# their order, with those of real photos first, so that none of the long ones is left for the end.
PYTEST := $(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt
# Each set of extras has a stamp file, so that it is installed again only when what it is made from has changed.
INSTALLED := $(VENV)/installed
PACKAGE := setup.cfg constraints.txt
CHECKED := $(wildcard keras_transfer serving benchmarks tests)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-all lint format bench clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(INSTALLED)-package ## Draw vehicles, train on them, test the export and write the report. Downloads no data, and the ImageNet weights where it can.
	$(BIN)/python -m keras_transfer.train --flagfile=configs/demo.flags

test: $(INSTALLED)-dev ## Run the tests, all but those marked slow.
	$(PYTEST) -m "not slow"

test-all: $(INSTALLED)-dev ## Run all tests.
	$(PYTEST)

lint: $(INSTALLED)-dev ## Check format, style and types (of Python 3.11).
	$(BIN)/ruff format --check --quiet --output-format concise $(CHECKED)
	$(BIN)/ruff check --quiet --output-format concise $(CHECKED)
	$(BIN)/mypy $(CHECKED)

format: $(INSTALLED)-dev ## Format the sources and fix what the linter can fix.
	$(BIN)/ruff format $(CHECKED)
	$(BIN)/ruff check --fix $(CHECKED)

bench: $(INSTALLED)-bench ## Measure a training run against its peers. BENCH_FLAGS goes to benchmarks/compare.py.
	$(BIN)/python benchmarks/compare.py $(BENCH_FLAGS)

clean: ## Remove the environments, caches and build leftovers. runs/ stays.
	rm -rf .venv .venv-* build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find $(CHECKED) -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED)-package: $(PACKAGE)
	@echo "Installing keras_transfer into $(VENV); the first time takes a minute or two."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --editable .
	@touch $@

$(INSTALLED)-dev: $(INSTALLED)-package
	@echo "Installing what tests and checks need into $(VENV)."
	@$(PIP) --editable '.[serving,test,dev]'
	@touch $@

$(INSTALLED)-bench: $(INSTALLED)-package
	@echo "Installing PyTorch ($(TORCH)) into $(VENV)."
	@$(PIP) '$(TORCH)'
	@$(PIP) --editable '.[bench]'
	@touch $@
