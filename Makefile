# One verb a target. Each makes its own .venv (uv where it is on PATH, else venv and pip).
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
DEMO_SECONDS ?= 0

.PHONY: demo test soak lint bench fmt clean

demo: .venv/ready
	$(BIN)/cepd demo --seconds $(DEMO_SECONDS)

test: .venv/ready
	$(BIN)/python -m pytest -n 2 --dist worksteal

soak: .venv/ready
	$(BIN)/python -m pytest -m soak --timeout 3600

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready
	$(BIN)/python -m tests.bench

fmt: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis .pytest_cache

.venv/ready: pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) .venv && uv pip install --quiet --python $(BIN)/python -e '.[dev]'; \
	else \
	  $(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'; \
	fi
	@touch $@
