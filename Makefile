# Every target works on a fresh machine with Go; nothing else has to be installed.

GO       ?= go
BIN      := bin/natsroute
GOFUMPT  := mvdan.cc/gofumpt@v0.12.0
STATIC   := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GREMLINS := github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0
FUZZTIME ?= 60s
DURATION ?= 8h
FUZZOUT  ?= out/overnight
TARGET   ?= Parse

.PHONY: build test certify race lint cross fuzz-target gofuzz-build gofuzz-coordinator gofuzz-worker libfuzzer fuzz-engines fuzz fuzz-overnight fuzz-bench bench kill-matrix kill-matrix-update fault-texts mutants soak soak-full clean

build: ## the command
	$(GO) build -trimpath -o $(BIN) ./cmd/natsroute

test: ## every test, those against real nats-servers included (built once into the user's cache directory)
	$(GO) test -p 1 -timeout 40m ./...

race: ## every test under the race detector
	$(GO) test -p 1 -race -timeout 40m ./...

certify: build ## certify the embedded reference server
	$(BIN) certify

lint: ## format, vet, staticcheck
	@test -z "$$($(GO) run $(GOFUMPT) -l .)" || { $(GO) run $(GOFUMPT) -l .; echo "run: go run $(GOFUMPT) -w ."; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATIC) ./...

cross: ## it builds where it is not tested
	GOOS=darwin $(GO) vet ./...
	GOOS=windows $(GO) vet ./...

fuzz-target: ## one native fuzz target (TARGET=Parse), FUZZTIME long
	$(GO) test -run '^$$' -fuzz 'Fuzz$(TARGET)$$' -fuzztime $(FUZZTIME) -fuzzminimizetime 10x ./fuzz

gofuzz-build: ## go-fuzz, and every target built for it
	$(GO) build -o bin/go-fuzz github.com/dvyukov/go-fuzz/go-fuzz
	$(GO) build -o bin/go-fuzz-build github.com/dvyukov/go-fuzz/go-fuzz-build
	cd fuzz && ../bin/go-fuzz-build -o ../bin/natsroute-fuzz.zip .

COORDINATOR ?= 127.0.0.1:6789

gofuzz-coordinator: gofuzz-build ## hands out work on TARGET at COORDINATOR; it asks nobody who he is: loopback or a private network only
	mkdir -p out/gofuzz/$(TARGET)/corpus
	cp corpus/seeds/$$(echo $(TARGET) | tr A-Z a-z)/* out/gofuzz/$(TARGET)/corpus
	bin/go-fuzz -workdir out/gofuzz/$(TARGET) -coordinator $(COORDINATOR)

gofuzz-worker: gofuzz-build ## works for the coordinator at COORDINATOR on the same TARGET, on any number of machines
	bin/go-fuzz -bin bin/natsroute-fuzz.zip -func Fuzz$(TARGET) -workdir out/gofuzz/worker-$(TARGET) -worker $(COORDINATOR)

libfuzzer: ## every target for libFuzzer, which needs clang, into out/libfuzzer
	fuzz/libfuzzer/build out/libfuzzer

fuzz-engines: ## go-fuzz over loopback and the libFuzzer builds, tried for a few seconds each
	.ci/engines

bench: build ## parser against its floor; the reference server against nats-server v2.15.2
	$(GO) test -run '^$$' -bench 'Ratio' -benchmem ./reference/wire
	NATSROUTE_BENCH_NATS_SERVER=v2.15.2 $(GO) test -run '^$$' -bench 'RouteToClient' -benchtime 1x ./reference/server

fuzz: ## every fuzz target and the live fuzzer by turns, two minutes; what is found is in out/fuzz
	$(MAKE) fuzz-overnight DURATION=2m FUZZOUT=out/fuzz

fuzz-overnight: build ## the same for DURATION (8h), also against AGAINST="nats-server@v2.15.2 …"; a second call goes on after a kill
	$(GO) test -c -fuzz=. -o bin/fuzz.test ./fuzz
	$(BIN) fuzz --overnight --duration $(DURATION) --native bin/fuzz.test --seeds corpus/seeds -o $(FUZZOUT) $(AGAINST:%=--against %)

fuzz-bench: ## sixty planted faults against the fuzzers, three seeds each; writes fuzz/BENCHMARKS.md
	$(GO) test -run 'TestBench$$' -timeout 150m -v ./fuzz/planted -fuzz-bench -bench-update

kill-matrix: ## every fault against all rows of the core: what each breaks has to be what spec/kill-matrix.md says
	$(GO) test -run 'TestKillMatrix$$' -timeout 90m -v ./cmd/natsroute -kill-matrix

fault-texts: ## every fault against its row's chapter: the command at the end of each failure text has to break the same row again
	$(GO) test -run TestFaultsAreCaught -timeout 90m -v ./cmd/natsroute -again-all

kill-matrix-update: ## write spec/kill-matrix.md anew; what two runs do not agree on stands in parentheses
	$(GO) test -run 'TestKillMatrix$$' -timeout 90m -v ./cmd/natsroute -kill-matrix-update

MUTATED ?= wire route

mutants: ## parser and machine with one operator changed at a time: tests have to notice; reference/*/mutants.md has what they cannot
	@set -e; for p in $(MUTATED); do \
		GOFLAGS="$$GOFLAGS -vet=off" $(GO) run $(GREMLINS) unleash --workers 1 --timeout-coefficient 40 \
			--threshold-efficacy 95 --exclude-files / ./reference/$$p; \
	done

soak: build ## 20 runs on 2.1.2 and 2.15.2, 5 on the others: loaded, one processor, 50 ms away; no result may differ
	$(GO) test -run TestSoak -timeout 90m -v ./cmd/natsroute -soak

soak-full: build ## 50 full runs, with every setup, on each of 2.1.2 and 2.15.2
	$(GO) test -run TestSoak -timeout 180m -v ./cmd/natsroute -soak-full

clean:
	rm -rf bin out
