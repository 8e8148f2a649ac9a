# All commands of this repository. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.SHELLFLAGS := -eu -c

PYTHON ?= python3
BIN := .venv/bin
LOCAL := $(BIN)/python -m local
PYTEST := $(BIN)/pytest

# Settings of the local cloud reach its commands through the environment.
export PORT PATCHWORK_URL LORE_URL EXPO_URL ALPACA_URL ALPHAVANTAGE_URL PROJECTS LISTS REQUESTS_PER_SECOND WAIT
# Keys are only read from the environment: ALPACA_KEY_ID, ALPACA_SECRET_KEY, ALPHAVANTAGE_KEY.
export MARKETS_UPSTREAM ALPACA_LIVE ALPACA_DATA_URL ALPACA_PER_MINUTE MAINTENANCE_DAYS
export ALPHAVANTAGE_PER_SECOND ALPHAVANTAGE_PER_MINUTE ALPHAVANTAGE_PER_DAY ALPHAVANTAGE_NEWS_PER_DAY

.PHONY: help
help: ## List all commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-15s %s\n", $$1, $$2} /^## / {printf "\n%s\n", substr($$0, 4)}' $(MAKEFILE_LIST)

.PHONY: tools cloud-tools check-tools
tools:
	@$(PYTHON) local/bootstrap.py

cloud-tools:
	@$(PYTHON) local/bootstrap.py --cloud

check-tools:
	@$(PYTHON) local/bootstrap.py --checks

## Run it on this machine (PORT= PATCHWORK_URL= LORE_URL= EXPO_URL= ALPACA_URL= ALPHAVANTAGE_URL= PROJECTS= LISTS=)

.PHONY: up
up: cloud-tools ## Start the local cloud, deploy to it and read the facts
	@$(LOCAL) up

.PHONY: down
down: tools ## Stop it; the data stays
	@$(LOCAL) down

.PHONY: status
status: tools ## The board: what is running, waiting, failing, late: [STAGE=] [PROFILE=] [CHECK=1 fails if anything needs a look]
	@$(SHIP) status --stage $(or $(STAGE),local) $(if $(CHECK),--check)

.PHONY: logs
logs: tools ## Show what a function logged: FUNCTION=fetch-patches [FOLLOW=1]
	@$(LOCAL) logs "$${FUNCTION:?say which: FUNCTION=fetch-patches}" $(OF_STAGE) $(if $(FOLLOW),--follow)

.PHONY: invoke
invoke: tools ## Invoke a deployed function: FUNCTION=fetch-patches [EVENT=event.json]
	@$(LOCAL) invoke "$${FUNCTION:?say which: FUNCTION=fetch-patches}" $(OF_STAGE) $(if $(EVENT),--event "$(EVENT)")

.PHONY: invoke-local
invoke-local: tools ## Run a function from its sources, on this machine: FUNCTION=fetch-patches [EVENT=event.json]
	@$(LOCAL) invoke --here "$${FUNCTION:?say which: FUNCTION=fetch-patches}" $(OF_STAGE) $(if $(EVENT),--event "$(EVENT)")

.PHONY: dlq
dlq: tools ## Dead letters: list, redrive or drop them: [STAGE=] [PROFILE=] [QUEUE=threads] [ID=] [REDRIVE=1 | DROP="why"]
	@$(SHIP) dlq $(OF_STAGE) $(if $(QUEUE),--queue "$$QUEUE") $(if $(ID),--id "$$ID") \
	  $(if $(REDRIVE),--redrive) $(if $(DROP),--drop "$$DROP")

.PHONY: mail
mail: tools ## Show the last mail the local cloud sent
	@$(LOCAL) mail

.PHONY: login
login: tools ## Sign in to the local cloud and print an access token: EMAIL=
	@$(LOCAL) login "$${EMAIL:?say who: EMAIL=you@example.org}" $(OF_STAGE)

.PHONY: grant
grant: tools ## Add a person to a group: EMAIL= GROUP=Admin [STAGE=] [PROFILE=] [REVOKE=1 removes them]
	@$(SHIP) grant "$${EMAIL:?say who: EMAIL=you@example.org}" --group "$${GROUP:?say which: GROUP=Admin}" \
	  $(OF_STAGE) $(if $(REVOKE),--revoke)

.PHONY: seed
seed: tools ## Create a person with batches and reminders: [STAGE=local|dev] [PROFILE=] [EMAIL=kefir@watchkeeper.test]
	@$(SHIP) seed $(OF_STAGE) $(if $(EMAIL),--email "$$EMAIL")

.PHONY: keys
keys: tools ## Set the keys of a markets upstream in its secret: UPSTREAM=alpaca|alphavantage [STAGE=] [PROFILE=]
	@$(SHIP) keys --upstream "$${UPSTREAM:?say whose: UPSTREAM=alpaca or UPSTREAM=alphavantage}" $(OF_STAGE)

.PHONY: maintenance
maintenance: tools ## Show or override the maintenance window of the markets watch: [STAGE=] [PROFILE=] [OPEN=6h | CLOSE=6h | CLEAR=1]
	@$(SHIP) maintenance $(OF_STAGE) $(if $(OPEN),--open "$$OPEN") $(if $(CLOSE),--close "$$CLOSE") $(if $(CLEAR),--clear)

.PHONY: rebuild
rebuild: tools ## Rebuild a read model from all events: MODEL=alerts|all [LEAVE_OUT=1] [STAGE=] [PROFILE=]
	@$(SHIP) rebuild "$${MODEL:?say which: MODEL=alerts, or MODEL=all}" $(OF_STAGE) $(if $(LEAVE_OUT),--leave-out)

.PHONY: ingest
ingest: tools ## Read all upstreams again now and wait until it is done: [MODE=recent]
	@$(LOCAL) ingest --mode $(or $(MODE),full)

.PHONY: reset
reset: tools ## Stop it and delete its data
	@$(LOCAL) reset

## Deploy

# STAGE= [SERVICE=] [ARTIFACTS=] say what; PROFILE= says with whose credentials.
SHIP = $(if $(PROFILE),AWS_PROFILE="$(PROFILE)") $(LOCAL)
OF_STAGE = --stage $(or $(STAGE),local)
WHAT = --stage $(or $(STAGE),local) $(if $(SERVICE),--service "$(SERVICE)")

.PHONY: deploy
deploy: tools ## Deploy: [STAGE=local|dev|staging|prod] [SERVICE=] [PROFILE=] [ARTIFACTS=] [YES=1] [IGNORE_ALARMS=1] [CORS_ORIGINS=]
	@$(SHIP) deploy $(WHAT) $(if $(ARTIFACTS),--artifacts "$(ARTIFACTS)") $(if $(YES),--yes)

.PHONY: plan
plan: tools ## Show what a deployment would change: [STAGE=] [SERVICE=] [PROFILE=] [ARTIFACTS=]
	@$(SHIP) plan $(WHAT) $(if $(ARTIFACTS),--artifacts "$(ARTIFACTS)")

.PHONY: smoke
smoke: tools ## Check that the deployed stage works: [STAGE=] [PROFILE=]
	@$(SHIP) smoke --stage $(or $(STAGE),local)

.PHONY: remove
remove: tools ## Remove a stage: STAGE= [SERVICE=] [PROFILE=]
	@$(SHIP) remove --stage "$${STAGE:?say which: STAGE=dev}" $(if $(SERVICE),--service "$(SERVICE)") $(if $(YES),--yes)

.PHONY: package
package: tools ## Build the packages for all stages of AWS: [SERVICE=] [ARTIFACTS=.local/artifacts] [TAG=]
	@$(LOCAL) package --stage $(or $(STAGE),prod) $(if $(SERVICE),--service "$(SERVICE)") \
	  $(if $(ARTIFACTS),--artifacts "$(ARTIFACTS)") $(if $(TAG),--tag "$(TAG)")

## Develop

.PHONY: lint style types
lint: style types ## Check style, types and pipelines

style: tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/zizmor --offline --quiet --config .github/zizmor.yml .github
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-actions .github/actions/*/action.yml

types: tools
	$(BIN)/mypy

.PHONY: test
test: style cloud-tools check-tools ## Everything CI runs
	@$(MAKE) --no-print-directory -j 2 test-e2e test-here # the first mostly waits, and computes before the other

.PHONY: test-here
test-here: ## All tests that need no cloud
	@nice $(MAKE) --no-print-directory test-units types test-infra

.PHONY: test-units
test-units: tools ## Unit and integration tests
	$(PYTEST) -n 2 tests/unit tests/integration

.PHONY: test-infra
test-infra: check-tools ## Package the services and check what would be deployed
	$(PYTEST) tests/infra

.PHONY: test-e2e
test-e2e: cloud-tools ## Test the deployed system, on its own local cloud
	$(PYTEST) tests/e2e

.PHONY: docs
docs: tools ## Generate the documents that are derived from the code
	@PYTHONPATH=libs/common/src:services/ingest:services/api:services/scheduler $(BIN)/python -m local.documents

.PHONY: bench
bench: cloud-tools ## Run the benchmarks: [ARGUMENTS=...]
	@$(LOCAL) bench $(ARGUMENTS)
