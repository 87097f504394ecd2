# One command each; every target does its own set-up, once, in .venv. The demo's is the smaller one, without torch.
#
#     make demo    build the quickstart corpus on two Ray actors
#     make check   format, lint, types, and the tests that need no cluster
#     make test    everything

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -q
PIP_INSTALL := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install -q -c constraints.txt

# No usage reports.
export RAY_USAGE_STATS_ENABLED ?= 0
# PYTHONPATH of the caller could put other code before the checkout.
unexport PYTHONPATH

FAST_TESTS := $(wildcard tests/unit tests/laws tests/golden tests/architecture)
SLOW_TESTS := $(wildcard tests/integration tests/faults tests/hostile tests/gpu)

# Environments of trainers, whose packages do not fit into ours: tests/formats/requirements-NAME.txt and, run in it,
# READERS_NAME.
FORMAT_ENVIRONMENTS := streams rows
READERS_streams := test_layouts.py test_megatron.py test_datatrove.py test_olmo.py
READERS_rows := test_litdata.py test_litgpt.py test_mds.py test_parquet_rows.py

.PHONY: help setup demo test check lint format unit integration soak audit formats bench-spine bench-dedup bench-filters bench-models bench-tokens bench-memory quickstart-models clean distclean
.DELETE_ON_ERROR:

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1 \t/' | expand -t 28

setup: $(VENV)/.developed $(VENV)/.compiled ## install into .venv and compile the kernels; repeated only when dependencies change

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "make: expected Python 3.11 or newer as '$(PYTHON)'; found $$($(PYTHON) --version 2>&1);" \
	         "name another one: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml constraints.txt
	@echo "installing into $(VENV), some minutes the first time ..."
	$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/.developed: $(VENV)/.installed
	@echo "installing what tests and checks need into $(VENV) ..."
	$(PIP_INSTALL) -e '.[dev]'
	@touch $@

$(VENV)/.compiled: $(VENV)/.installed
	$(BIN)/python -m jobs.warmup
	@touch $@

demo: $(VENV)/.compiled ## build the quickstart corpus into runs/quickstart, from nothing
	rm -rf runs/quickstart
	$(BIN)/corpusmill run jobs/recipes/quickstart.yaml --runner ray --workers 2 --output runs/quickstart

test: check integration ## everything: check, then integration and fault tests in their short form; tells what the audit finds
	@# Advisories come with time, not with a change, so they fail no test; `make audit` by itself fails on them.
	-@$(MAKE) --no-print-directory audit

check: lint unit ## format, lint, types, and the tests that need no cluster

lint: setup ## formatting, ruff and mypy
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

unit: setup
	$(PYTEST) $(FAST_TESTS)

integration: setup
	$(PYTEST) --durations=20 -m 'not soak' $(SLOW_TESTS)

soak: setup ## the slow fault and scale tests, in their long form; results go to benchmarks/results
	$(PYTEST) -m soak
	$(BIN)/python -m benchmarks.soak.run

.venv-formats-%/.installed: tests/formats/requirements-%.txt $(VENV)/.created
	$(PYTHON) -m venv --clear $(@D)
	PIP_DISABLE_PIP_VERSION_CHECK=1 $(@D)/bin/python -m pip install -q torch==2.13.0
	PIP_DISABLE_PIP_VERSION_CHECK=1 $(@D)/bin/python -m pip install -q -r $<
	@touch $@

formats: $(VENV)/.compiled $(FORMAT_ENVIRONMENTS:%=.venv-formats-%/.installed) ## datasets of every format, read back by the trainers' own packages
	rm -rf runs/formats
	$(BIN)/corpusmill run tests/formats/recipe.yaml --output runs/formats
	$(BIN)/python -m tests.formats.expected runs/formats
	$(foreach name,$(FORMAT_ENVIRONMENTS),.venv-formats-$(name)/bin/python -m pytest -q -c /dev/null --rootdir . \
	    --confcutdir tests/formats -p no:cacheprovider $(addprefix tests/formats/,$(READERS_$(name))) &&) true

format: setup ## put the code in form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench-spine: setup ## measure the whole pipeline; results go to benchmarks/results
	$(BIN)/python -m benchmarks.spine

bench-dedup: setup ## measure near-duplicate removal beside other tools; results go to benchmarks/results
	$(BIN)/python -m benchmarks.dedup.run

bench-filters: setup ## measure language identification and filters beside other tools; results go to benchmarks/results
	$(BIN)/python -m benchmarks.filters.run

bench-models: setup ## measure operators that run models; results go to benchmarks/results
	$(BIN)/python -m benchmarks.models.run

bench-tokens: setup ## measure tokenizing and packing beside other tools; results go to benchmarks/results
	$(BIN)/python -m benchmarks.tokens.run

bench-memory: setup ## measure the memory of workers against their budget; results go to benchmarks/results
	$(BIN)/python -m benchmarks.memory

.venv-audit/.installed: $(VENV)/.created
	$(PYTHON) -m venv --clear $(@D)
	-PIP_DISABLE_PIP_VERSION_CHECK=1 $(@D)/bin/python -m pip install -q pip-audit
	@touch $@

audit: $(VENV)/.developed .venv-audit/.installed ## look the installed packages up in the advisory database
	$(BIN)/python -m infra.audit .venv-audit/bin/pip-audit $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

quickstart-models: setup ## make the tokenizer and the classifier of the quickstart again
	rm -rf runs/quickstart-models
	$(BIN)/python -m jobs.quickstart_models

clean: ## remove builds, caches and compiled kernels
	rm -rf runs build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis $(VENV)/.compiled
	find pipeline operators jobs tests $(wildcard benchmarks infra) -name __pycache__ -prune -exec rm -rf {} +

distclean: clean ## remove the virtual environment too
	rm -rf $(VENV) .venv-formats-* .venv-audit *.egg-info
