# make, or make help, says what there is.

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    ?= 30s
RACE        ?= -race# make test RACE= where there is no C compiler
PARALLEL    ?= 2# packages tested at a time; each tests in parallel itself
LONGEST     := ./cmd/e2e ./notifier ./cmd/e2e/pages ./api ./cmd/e2e/sites ./cmd/rowcall ./cmd/bench ./schema ./triggers# they begin first
NOPAUSE     := GORACE=atexit_sleep_ms=0# the race detector waits a second before a process ends; no goroutine is left by then
ARGS        ?=
FAULTS      ?= 2m
SEED        ?=
VERSIONS    ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test check fmt vet lint rules vuln bench fuzz faults matrix mutations screenshots build web pages client

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what the tests need and this machine lacks, where it can
	@scripts/setup

demo: ## Run the four example applications with a PostgreSQL of their own; ARGS="--addr 127.0.0.1:0"
	go run ./cmd/rowcall demo $(ARGS)

test: setup ## Run every test; go vet is part of make check
	go build $(RACE) -buildvcs=false -o .tmp/rowcall ./cmd/rowcall
	$(NOPAUSE) ROWCALL_TEST_PROGRAM=$(CURDIR)/.tmp/rowcall go test $(RACE) -vet=off -p $(PARALLEL) -shuffle=on -timeout 45m $(LONGEST) ./...

check: fmt vet lint rules client test vuln web ## Everything a change has to pass

fmt: ## Check that gofmt has nothing to say
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt -w these:"; echo "$$unformatted"; exit 1; fi

vet: ## Run go vet
	go vet ./...

lint: ## Run staticcheck
	go run $(STATICCHECK) ./...

rules: ## Check the rules of this repository: imports, comments, names
	go test -count=1 .

client: client/node_modules ## Check the npm package of client/: types, tests, build, size, exports
	cd client && npm run --silent check

client/node_modules: client/package-lock.json
	cd client && npm ci --ignore-scripts --no-audit --no-fund && touch node_modules

vuln: ## Look for known vulnerabilities; says so where the list of them cannot be reached
	@scripts/vuln

web: ## Check the pages: types, tests, and that web/dist is what they build; needs Node
	@scripts/pages --check

pages: ## Build the pages into web/dist; needs Node
	@scripts/pages

bench: ## Measure what Rowcall costs writers and brings subscribers, in about seven minutes; ARGS="-h"
	go run ./cmd/bench $(ARGS)

fuzz: ## Run every fuzz target for FUZZTIME (30s)
	@scripts/fuzz $(FUZZTIME)

faults: ## Inject every fault for a long time: FAULTS=5m SEED=7; then test on the oldest and newest PostgreSQL
	@scripts/faults $(FAULTS) $(SEED)

matrix: ## Test what works with a database on PostgreSQL 14 to 18, got from npm: VERSIONS="16 18"
	@scripts/postgres matrix $(VERSIONS)

mutations: ## Break the protocol on purpose, and show that the tests notice
	@scripts/mutations

screenshots: ## Save pictures of all pages in build/screenshots
	go test -count=1 -timeout 20m ./cmd/e2e/pages -screenshots

build: ## Build bin/rowcall
	CGO_ENABLED=0 go build -trimpath -o bin/rowcall ./cmd/rowcall
