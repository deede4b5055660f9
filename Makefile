# What one does with this repository. Go 1.26 and a C compiler (for the race
# detector only) are all that it needs.

GO ?= go
BIN := $(CURDIR)/bin
PACKAGES := ./...

.PHONY: build run test race bench lint soak clean

build: ## bin/unit-agent and bin/hook-tool
	@mkdir -p $(BIN)
	$(GO) build -o $(BIN)/ ./cmd/unit-agent ./cmd/hook-tool

run: build ## two related charms with two units each, until idle
	@testdata/scripts/run.sh $(BIN)/unit-agent

test: ## all tests
	$(GO) test -timeout 10m $(PACKAGES)

race: ## all tests with the race detector
	$(GO) test -race -timeout 20m $(PACKAGES)

bench: ## all benchmarks, each beside its floor
	$(GO) test -run '^$$' -bench . -benchmem -timeout 60m $(PACKAGES)

soak: ## the tests that look for rare faults, for minutes
	UNIT_AGENT_SOAK=1 $(GO) test -timeout 60m -run 'Soak|Kill' $(PACKAGES)

lint: ## vet, gofmt, staticcheck
	$(GO) vet $(PACKAGES)
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	  if [ -n "$$unformatted" ]; then echo "not gofmt-ed: $$unformatted"; exit 1; fi
	$(GO) tool staticcheck $(PACKAGES)

clean:
	rm -rf $(BIN)
