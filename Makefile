# make demo and make test need Go and nothing else.
GO ?= go
NEEDS := $(shell awk '$$1 == "go" {print $$2}' go.mod)
FOUND := $(shell $(GO) env GOVERSION 2>/dev/null)
FUZZTIME ?= 10s
# What a test run of everything may take on a slow machine.
TIMEOUT ?= 10m

# What bench-compare does: names of rows or their beginnings, and turns of each.
ROWS ?=
PAIRS ?= 5
OUT ?=

.PHONY: help build demo test test-race pairs test-servers lint bench bench-compare fuzz cross clean

help: ## this list
	@echo "sftpc needs Go $(NEEDS) or newer; found $(if $(FOUND),$(FOUND),none)"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

build: ## bin/sftpc and bin/sftpc-run
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o bin/ ./cmd/...

demo: build ## rehearse the example script: two servers, active and passive mode
	@bin/sftpc rehearse --copy testdata/demo --expect testdata/demo/after testdata/seed.ftp

test: ## all tests that need Go only
	$(GO) test -timeout $(TIMEOUT) ./...

test-race: ## the same under the race detector
	$(GO) test -race -timeout $(TIMEOUT) ./...

test-servers: build ## against vsftpd, ProFTPD, Pure-FTPd, pyftpdlib and OpenSSH (Debian, root; see testdata/servers)
	testdata/servers/test.sh

pairs: ## 10,000 pairs of trees against the models of SYNC, some minutes; SFTPC_SEED draws others
	SFTPC_PAIRS=$${SFTPC_PAIRS:-10000} $(GO) test -timeout 60m -count=1 -v -run 'IsWhatTheModelSays$$' ./builtins
	$(GO) test -timeout 60m -count=1 -v -run 'IsWhatTheModelSays$$' ./netio/engine -rapid.checks=$${SFTPC_PAIRS:-10000}

lint: ## gofmt, vet, staticcheck
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not formatted: $$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags servers ./...
	$(GO) tool staticcheck ./...

bench: build ## Go benchmarks; with curl, lua5.4 and vsftpd installed also side by side
	$(GO) test -run '^$$' -bench . -benchmem ./vm/... ./compiler/... ./netio/...
	testdata/bench/compare.sh

bench-compare: build ## side by side with lftp, rclone, curl and sftp (Debian, root; ROWS='ftp-small' PAIRS=5 OUT=FILE; see testdata/bench)
	@testdata/bench/peers.sh -rows '$(ROWS)' -pairs $(PAIRS) -out '$(OUT)'

fuzz: ## every fuzz target for FUZZTIME each
	FUZZTIME=$(FUZZTIME) GO=$(GO) testdata/fuzz.sh

cross: ## builds for other systems
	GOOS=windows GOARCH=amd64 $(GO) build -o /dev/null ./cmd/sftpc
	GOOS=windows GOARCH=amd64 $(GO) vet ./...
	GOOS=darwin GOARCH=arm64 $(GO) build -o /dev/null ./cmd/sftpc
	GOOS=linux GOARCH=arm64 $(GO) build -o /dev/null ./cmd/sftpc
	GOOS=windows GOARCH=amd64 $(GO) build -o /dev/null ./cmd/sftpc-run

clean: ## what make built
	rm -rf bin
