# make demo: install Oakum and run it over examples/.  make test: install what development needs and run the tests.
# Another Python: make PYTHON=python3.12 demo.  Another environment: make VENV=/tmp/oakum demo.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := pyproject.toml $(shell find server rules -type f -not -name '*.pyc')

.PHONY: demo test lint format readme clean

demo: $(VENV)/.installed
	@echo '$$ oakum check examples/'
	@$(BIN)/oakum check examples/; code=$$?; \
	if [ $$code -ne 1 ]; then echo "oakum was to find something in examples/ (exit 1), but ended with $$code" >&2; exit 1; fi

test: $(VENV)/.dev
	$(BIN)/python -m pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Write what README.md shows of the rules and of the examples.
readme: $(VENV)/.dev
	OAKUM_UPDATE=1 $(BIN)/python -m pytest tests/test_generated.py

clean:
	rm -rf $(VENV) dist .oakum_cache .pytest_cache .ruff_cache .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
		echo "Oakum needs Python 3.10 or newer, and $(PYTHON) is not: try make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) has no venv module: install it (Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# An environment for development reads the sources in place: nothing to install again.
$(VENV)/.installed: $(BIN)/python $(SOURCES)
	@test -e $(VENV)/.dev || $(BIN)/python -m pip install --quiet --disable-pip-version-check .
	@touch $@

# `--group` came with pip 25.1.
$(VENV)/.dev: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

# Slower suites, there when their files are.
ifneq ($(wildcard tests/ecosystem/run.py),)
.PHONY: ecosystem recall
ecosystem: $(VENV)/.dev
	$(BIN)/python tests/ecosystem/run.py

# On the packages that `make ecosystem` has downloaded.
recall: $(VENV)/.dev
	$(BIN)/python tests/ecosystem/mutations.py
endif

# Throughput is measured on the packages that `make ecosystem` has downloaded.
ifneq ($(wildcard benchmarks/latency.py),)
.PHONY: benchmark
benchmark: $(VENV)/.dev
	$(BIN)/python benchmarks/latency.py
	$(BIN)/python benchmarks/throughput.py
endif

ifneq ($(wildcard tests/editors/run.py),)
.PHONY: editors
editors: $(VENV)/.dev
	$(BIN)/python tests/editors/run.py
endif

# The documentation site, in dist/site; a broken link is an error.
.PHONY: docs
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "the site is in dist/site"

$(VENV)/.docs: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group docs
	@touch $@

# Suites that run programs beside the real frameworks, which live in an environment of their own.
FRAMEWORKS := .frameworks/.installed
$(FRAMEWORKS):
	$(PYTHON) -m venv .frameworks
	.frameworks/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 tensorflow-cpu scikit-learn
	@touch $@

ifneq ($(wildcard evidence/run.py),)
.PHONY: evidence
evidence: $(VENV)/.dev $(FRAMEWORKS)
	$(BIN)/python evidence/run.py
endif

ifneq ($(wildcard tests/truth/run.py),)
.PHONY: truth
truth: $(VENV)/.dev $(FRAMEWORKS)
	$(BIN)/python tests/truth/run.py
endif
