# Every goal does its own set-up: an environment in .venv, the package and what the goal
# needs, and for the tests the servers. PYTHON=... chooses the interpreter, ARGS=... is
# handed on, WORKERS=... is the number of test processes.
BIN = .venv/bin
WORKERS ?= auto
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 8 --dist worksteal

.PHONY: demo test torture bench docs lint types format package-env test-env bench-env docs-env clean

demo: package-env
	$(BIN)/odac-db demo $(ARGS)

test: test-env
	$(PYTEST) $(ARGS)

torture: test-env
	ODAC_TEST_DOSE=long $(PYTEST) -m torture -o timeout=0 $(ARGS)

bench: bench-env
	@set -e; for each in bench/*.py; do echo "== $$each"; $(BIN)/python $$each $(ARGS); done

docs: docs-env
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

lint: test-env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: test-env
	$(BIN)/mypy

format: test-env
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

package-env:
	@PYTHON="$(PYTHON)" sh .ci/venv
test-env:
	@PYTHON="$(PYTHON)" sh .ci/venv test
bench-env:
	@PYTHON="$(PYTHON)" sh .ci/venv test bench
docs-env:
	@PYTHON="$(PYTHON)" sh .ci/venv docs

clean:
	rm -rf .venv .tox build dist docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis
