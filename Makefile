# Everything runs from a bare clone, without root, in .venv. See README.md.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PYTEST := PYTHONHASHSEED=0 $(BIN)/python -P -m pytest -q

.PHONY: demo test check sweep soak bench test-peers vectors lock clean
.DELETE_ON_ERROR:

$(STAMP): requirements.lock pyproject.toml packaging/make-venv.sh
	@sh packaging/make-venv.sh "$(PYTHON)"
	@touch $@

demo: $(STAMP)
	@$(BIN)/fieldgate demo

# Two at a time: the demo's story takes a minute and a half of real time, and the rest runs beside it.
test: $(STAMP)
	@$(PYTEST) -n 2 --dist worksteal -m "not peers"

check: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(PYTEST) tests/test_tidy.py

# Seeds of the worlds that are made for it; a broken one leaves its replay file in sweep-failures.
SWEEP := PYTHONHASHSEED=0 $(BIN)/fieldgate sim run --keep sweep-failures

sweep: $(STAMP)
	@$(SWEEP) small --seeds 1..200
	@$(SWEEP) county --seeds 1..5

soak: $(STAMP)
	@$(SWEEP) small --seeds 1..2000
	@$(SWEEP) county --seeds 1..20

test-peers: $(STAMP)
	@sh packaging/install-peers.sh
	@$(PYTEST) -m peers

bench: $(STAMP)
	@$(BIN)/python -P -m bench.run

vectors: $(STAMP)
	@$(BIN)/python -P -m tests.vector_run

lock: $(STAMP)
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --all-extras pyproject.toml --output-file requirements.lock

clean:
	rm -rf .venv demo-run sweep-failures .mypy_cache .ruff_cache .hypothesis
