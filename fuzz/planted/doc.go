// Package planted measures the fuzzers: each Patch makes one mistake, of the kind that people make who write a NATS server, in one
// place of the reference implementation. A fuzzer that is worth its time finds it.
//
// The reference itself stays clean: a patch is applied with go build -overlay, which gives the compiler another text for one file.
//
//	Patch ──► Overlay(dir) ──► go test -c -overlay=… ──► a binary with one mistake in it
//
// The binary hunts in process (a loop over the targets of package fuzz), or serves routes for the live fuzzer. The bench is
// in the tests of this package: make fuzz-bench runs it and writes what it has found into fuzz/BENCHMARKS.md.
package planted
