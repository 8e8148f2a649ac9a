# Everything one does with this repository. `make` alone tells what there is.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.SHELLFLAGS := -eu -c

PYTHON ?= python3
BIN := .venv/bin
LOCAL := $(BIN)/python -m local
PYTEST := $(BIN)/pytest

# Settings of the local cloud reach its commands through the environment.
export PORT PATCHWORK_URL LORE_URL PROJECTS LISTS REQUESTS_PER_SECOND WAIT

.PHONY: help
help: ## Tell what there is
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-15s %s\n", $$1, $$2} /^## / {printf "\n%s\n", substr($$0, 4)}' $(MAKEFILE_LIST)

.PHONY: tools cloud-tools
tools:
	@$(PYTHON) local/bootstrap.py

cloud-tools:
	@$(PYTHON) local/bootstrap.py --cloud

## Run it on this machine (PORT= PATCHWORK_URL= LORE_URL= PROJECTS= LISTS=)

.PHONY: up
up: cloud-tools ## Start the local cloud, deploy to it and bring the facts in
	@$(LOCAL) up

.PHONY: down
down: tools ## Stop it; the data stays
	@$(LOCAL) down

.PHONY: status
status: tools ## What runs, how far the sources are, what waits or failed
	@$(LOCAL) status

.PHONY: logs
logs: tools ## What a function logged: FUNCTION=fetch-patches [FOLLOW=1]
	@$(LOCAL) logs "$${FUNCTION:?say which: FUNCTION=fetch-patches}" $(if $(FOLLOW),--follow)

.PHONY: invoke
invoke: tools ## Invoke a deployed function: FUNCTION=fetch-patches [EVENT=event.json]
	@$(LOCAL) invoke "$${FUNCTION:?say which: FUNCTION=fetch-patches}" $(if $(EVENT),--event "$(EVENT)")

.PHONY: invoke-local
invoke-local: tools ## Run a function's sources here: FUNCTION=fetch-patches [EVENT=event.json]
	@$(LOCAL) invoke --here "$${FUNCTION:?say which: FUNCTION=fetch-patches}" $(if $(EVENT),--event "$(EVENT)")

.PHONY: ingest
ingest: tools ## Read everything again now and wait until it is done: [MODE=recent]
	@$(LOCAL) ingest --mode $(or $(MODE),full)

.PHONY: reset
reset: tools ## Stop it and delete its data
	@$(LOCAL) reset

## Deploy

.PHONY: deploy
deploy: tools ## Deploy all services: [STAGE=local|dev|staging|prod]
	@$(LOCAL) deploy --stage $(or $(STAGE),local)

.PHONY: package
package: tools ## Build all packages without deploying them: [STAGE=prod]
	@$(LOCAL) package --stage $(or $(STAGE),prod)

## Develop

.PHONY: lint
lint: tools ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: test
test: lint test-units test-infra test-e2e ## Everything CI runs, up to the first failure

.PHONY: test-units
test-units: tools ## Unit and integration tests
	$(PYTEST) -n 2 tests/unit tests/integration

.PHONY: test-infra
test-infra: tools ## Package the services and check what would be deployed
	$(PYTEST) tests/infra

.PHONY: test-e2e
test-e2e: cloud-tools ## The deployed system, on a local cloud of its own
	$(PYTEST) tests/e2e

.PHONY: docs
docs: tools ## Write the documents that are made from the code
	@PYTHONPATH=libs/common/src:services/ingest:services/api:services/scheduler $(BIN)/python -m local.documents

.PHONY: bench
bench: cloud-tools ## The benchmarks: [ARGUMENTS=...]
	@$(LOCAL) bench $(ARGUMENTS)
