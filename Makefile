# Every target does its own set-up in .venv; Python 3.11 or newer, pip and a compiler are enough.
# Another interpreter: make PYTHON=python3.12 test. Options for pip: make PIP_FLAGS="--no-index" setup

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP_FLAGS ?=
VENV := .venv
STAMP := $(VENV)/installed
BIN := $(VENV)/bin
BENCHMARKS ?= arrhythmia kdd99

.PHONY: setup demo test check docs bench format clean

setup: $(STAMP)

# The stamp is written last: an installation that was cut short is done again.
$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "no Python of version 3.11 or newer found; name one: make PYTHON=/path/to/python" >&2; exit 1; }
	@test -x $(BIN)/python || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(STAMP)
	$(BIN)/alad demo

# As many tests at a time as there are processors, each with one thread.
test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto -m "not slow"

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python tools/dependencies.py
	$(BIN)/python -m pytest -q tests/test_imports.py
	@$(MAKE) --no-print-directory docs

# The documentation, in site/; every link on a page must lead somewhere.
docs: $(STAMP)
	$(BIN)/zensical build --clean --strict

# Resumable: stop it with Ctrl-C and type it again. results/NAME.jsonl grows by one line a run.
bench: $(STAMP)
	$(BIN)/alad bench $(BENCHMARKS)

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .cache site
