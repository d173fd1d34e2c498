# The two commands are `make run` and `make test`; `make help` lists the rest.
PORT ?= 8000
PYTHON := .venv/bin/python
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run test faults deep bench bench-quick bench-widget check texts setup setup-test lock clean

help: ## list these targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

run: setup ## set up what is missing and run the portal with the demo company (PORT=8000)
	@PORT=$(PORT) sh tools/run-demo.sh

IN_A_BROWSER := tests/journeys tests/widget tests/demo tests/faults
test: check setup-test ## check, then every test on SQLite, PostgreSQL and in a browser (about 10 minutes)
	$(PYTHON) -m pytest -n 4 --dist worksteal -p tests.both_databases $(IN_A_BROWSER:%=--ignore %)
	$(PYTHON) -m pytest -n 3 --dist worksteal $(IN_A_BROWSER)

FAULTS := killed_serving killed_working told_to_stop database_away database_crash disk_full io_errors inbound_webhooks damaged_log migrating keys
faults: setup-test ## kill -9, a crashed database, a full or failing disk, a damaged log, races; SEED=N repeats a run (8 minutes)
	@seed=$${SEED:-$$(shuf -i 0-999999 -n 1)}; echo "Again with: make faults SEED=$$seed"; \
	$(PYTHON) -m pytest -n 2 --dist loadfile -m 'not deep or faults' --fault-seed $$seed $(FAULTS:%=tests/faults/test_%.py) \
	  tests/audit/test_sequencers.py tests/audit/test_verification.py tests/jobs/test_workers.py \
	  $(wildcard tests/custody/test_backup*.py tests/custody/test_restore*.py tests/custody/test_drill*.py)

deep: setup-test ## the long tests: 10,000 interleavings, kill -9, load, a million lines (over an hour)
	HYPOTHESIS_PROFILE=deep $(PYTHON) -m pytest -n 2 --dist worksteal -m deep

bench: setup-test ## every figure beside its baseline, up to a million rows (needs wrk; about 40 minutes)
	$(PYTHON) -m benchmarks

bench-quick: setup-test ## the same with few rows (about three minutes)
	$(PYTHON) -m benchmarks --quick

bench-widget: setup-test ## the script for websites beside two others from npm, in Chromium (needs npm; about five minutes)
	npm install --silent --no-save --prefix var/bench-widget orejime@3.2.1 vanilla-cookieconsent@3.1.0
	$(PYTHON) -m benchmarks.widget var/bench-widget

check: setup-test ## lint, types, import contracts, template lint (under a minute)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports

setup: ; @sh tools/setup.sh run ## install what running needs: system libraries and .venv

setup-test: ; @sh tools/setup.sh test ## install what the tests need as well (with npm also what builds the script for websites)

lock: ## compile the lock files again after a change in pyproject.toml (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra test -c requirements.lock pyproject.toml -o requirements-test.lock
	echo pip | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header - -o requirements-pip.lock

texts: setup-test ## collect the texts of pages and mails into the translators' catalogues
	$(PYTHON) tools/texts.py

clean: ## remove .venv and var (the demo's data)
	rm -rf .venv var
