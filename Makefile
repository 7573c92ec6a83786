# From nothing but make and Python 3.11 or newer:
#     make demo     train on simulated images, sample, score, and write a report
#     make test     the whole test suite
#     make check    format, lint and types
# The environment lies in .venv and is made again only when pyproject.toml or constraints.txt change.

PYTHON ?= python3.11
BIN := .venv/bin
ATFM := $(BIN)/atfm
TORCH := $(shell grep '^torch==' constraints.txt)
WORKERS ?= auto

.PHONY: help demo test screenshots check format env clean

help:
	@sed -n '2,4s/^#     //p' Makefile

demo: .venv/runtime demo/store/store.json
	$(ATFM) train phantom --data demo/store --out demo/run
	$(ATFM) sample demo/run examples/phantom.png --n 16 --seed 7 --out demo/samples
	$(ATFM) evaluate demo/run demo/store --split test --limit 60 --out demo/report
	@echo "The report: demo/report/report.html"
	@echo "The page:   $(ATFM) serve demo/run --store demo/store    says an address; open it in a browser"

demo/store/store.json: | .venv/runtime
	$(ATFM) data import phantom --out demo/store

test: .venv/dev
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup --maxprocesses 8 $(ARGS)

# The pictures of the page in docs/, by the page itself; look at them before they are committed.
screenshots: .venv/dev
	ATFM_SCREENSHOTS=docs $(BIN)/pytest -n 0 tests/serve/page/test_screenshots.py

check: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy src

format: .venv/dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

env: .venv/dev

# torch comes first and by its exact version: whatever asks for "torch" later finds it there.
.venv/runtime: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "atfm needs Python 3.11 or newer; name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --disable-pip-version-check '$(TORCH)'
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[log,serve]'
	@touch $@

.venv/dev: .venv/runtime
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf demo dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
