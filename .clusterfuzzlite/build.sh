#!/bin/bash -eu
# Every target of fuzz.Targets with its seeds and the dictionary, into $OUT. The Go command fetches the release that go.mod names.
export GOTOOLCHAIN=auto
"$SRC/natsroute/fuzz/libfuzzer/build" "$OUT"
