//go:build libfuzzer

// Command libfuzzer is the archive that libFuzzer links: one target, chosen when it is linked.
//
//	go build -tags libfuzzer -buildmode c-archive -gcflags all=-d=libfuzzer -ldflags '-X main.target=Session' -o session.a ./fuzz/libfuzzer
//	clang -fsanitize=fuzzer session.a -o session
//
// make libfuzzer does that for every target, .clusterfuzzlite/build.sh on the machines of OSS-Fuzz and ClusterFuzzLite.
package main

// #include <stddef.h>
import "C"

import (
	"unsafe"

	"github.com/natsroute/natsroute/fuzz"
)

// target is the name of one of fuzz.Targets, set by the linker.
var target string

var check = func() func([]byte) error {
	for _, t := range fuzz.Targets() {
		if t.Name == target {
			return t.Check
		}
	}
	panic("libfuzzer: link with -ldflags '-X main.target=NAME', NAME one of fuzz.Targets, not " + target)
}()

// LLVMFuzzerTestOneInput is called by libFuzzer with each input; what does not hold ends the process with a panic.
//
//export LLVMFuzzerTestOneInput
func LLVMFuzzerTestOneInput(data *C.char, size C.size_t) C.int {
	if err := check(unsafe.Slice((*byte)(unsafe.Pointer(data)), int(size))); err != nil {
		panic(err)
	}
	return 0
}

func main() {}
