# Two commands do all the set-up themselves: `make run` and `make test`. `make help` lists the rest.
# Every path is relative, so that the project may lie in a folder whose name has spaces.

PYTHON ?= python3
BIN := .venv/bin
LOCAL := $(BIN)/python -m app.local
INSTALL := $(PYTHON) app/local/install.py

# What is given on the command line (make run PORT=9000) reaches the programs as environment variables.
export FILE FORCE
# Compiled sources make the second start a fast one.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench bench-live soak lock backup restore doctor release messages clean

help: ## list what there is
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

run: ## install what is missing, start everything, say where it is (PORT=8000, OVERSING_HOME=var)
	@$(INSTALL) run && exec $(LOCAL) run

test: ## run every test against a PostgreSQL and a Valkey of its own (ARGS="-k name" for some of them)
	@$(INSTALL) test && exec $(LOCAL) test $(ARGS)

lint: ## check style, types and who imports whom
	@$(INSTALL) lint
	@failed=; for check in "ruff check" "ruff format --check" mypy lint-imports; do \
	  echo "> $$check"; $(BIN)/$$check || failed="$$failed [$$check]"; \
	done; test -z "$$failed" || { echo "Not passed:$$failed"; exit 1; }

format: ## put the Python sources into shape
	@$(INSTALL) lint
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: ## measure pages, writes and certifications beside a bare floor
	@$(INSTALL) test && exec $(BIN)/python -m benchmarks $(ARGS)

messages: ## collect what pages and mails say into app/catalogues, and compile it
	@$(INSTALL) test && $(BIN)/python -m app.local.catalogues collect && $(BIN)/python -m app.local.catalogues compile

bench-live: ## measure five thousand sockets, boards and the workspace (ARGS="idle --sockets 1000" for some of it)
	@$(INSTALL) test && exec $(BIN)/python -m benchmarks.live $(ARGS)

soak: ## let people work for ten minutes and see that nothing complains or grows (SECONDS=600)
	@$(INSTALL) test && exec $(BIN)/python -m benchmarks.soak --seconds $(or $(SECONDS),600)

release: ## migrate the database and make missing keys, without starting anything
	@$(INSTALL) run && exec $(LOCAL) release

backup: ## write database and keys to one file, running or not (FILE=name)
	@test -n "$$FILE" || { echo "Say where to: make backup FILE=name"; exit 2; }
	@$(INSTALL) run && exec $(LOCAL) backup "$$FILE"

restore: ## bring a backup back (FILE=name; FORCE=1 puts the data that are there aside)
	@test -n "$$FILE" || { echo "Say where from: make restore FILE=name"; exit 2; }
	@$(INSTALL) run && exec $(LOCAL) restore $(if $(FORCE),--force) "$$FILE"

doctor: ## say what is missing or wrong: guards, roles, keys, versions, ports
	@$(INSTALL) run && exec $(LOCAL) doctor

lock: ## choose the newest allowed versions and write the lock files again
	@$(INSTALL) lint
	@for name in requirements requirements-dev app/local/locks/uv app/local/locks/node; do \
	  echo "> $$name.txt"; \
	  $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --python-version 3.11 \
	    --no-emit-index-url --no-emit-find-links "$$name.in" -o "$$name.txt" || exit 1; \
	done

clean: ## take away what was installed and built; data in var/ stay
	rm -rf .venv .tools node_modules app/static/dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
