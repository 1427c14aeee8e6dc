package bucket

import (
	"strings"
	"testing"
)

const dump = `SIGQUIT: quit
PC=0x1 m=0 sigcode=0

goroutine 0 [idle]:
runtime.futex(0x1)

goroutine 7 [runnable]:
internal/poll.(*FD).Read(0x1)
	/go/src/internal/poll/fd.go:1
example.org/server.(*Server).spin(0xc000)
	/s/server.go:20

goroutine 9 [sync.Mutex.Lock, 2 minutes]:
sync.(*Mutex).Lock(0x1)
	/go/src/sync/mutex.go:1
example.org/server.(*client).readLoop(0xc000, 0x5)
	/s/client.go:1290
created by example.org/server.(*Server).start in goroutine 1
	/s/server.go:5
`

// A hang is told apart by a lock that is waited for, which is at one place, and never by what runs, which is anywhere.
func TestHangs(t *testing.T) {
	if where, ok := Locked(dump); !ok || where != "server.(*client).readLoop" {
		t.Errorf("locked in %q, %v", where, ok)
	}
	if where, ok := Running(dump); !ok || where != "poll.(*FD).Read < server.(*Server).spin" {
		t.Errorf("running in %q, %v", where, ok)
	}
	for _, none := range []string{"", "exit status 2", "goroutine 1 [select]:\nmain.main()\n"} {
		if where, ok := Locked(none); ok {
			t.Errorf("%q is locked in %q", none, where)
		}
		if where, ok := Running(none); ok {
			t.Errorf("%q runs in %q", none, where)
		}
	}
}

// The collector of a process that has no memory left for it is one defect with the allocation that got none.
func TestCollectorWithoutMemory(t *testing.T) {
	const said = "SIGSEGV: segmentation violation\nPC=0x4352fd m=7 sigcode=1 addr=0x0\n\n" +
		"goroutine 0 gp=0x21abbad62000 m=7 mp=0x21abbad58008 [idle]:\nruntime.(*spanQueue).tryDrain(0x7fbf00000400?, 0x43db45?)\n\t/usr/local/go/src/runtime/mgcmark_greenteagc.go:520 +0x5d\n"
	if class, _, _ := Crash("exit status 2", said); class != OutOfMemory {
		t.Errorf("class %q", class)
	}
	own := strings.Replace(said, "runtime.(*spanQueue).tryDrain", "main.crash", 1)
	if class, _, _ := Crash("exit status 2", own); class == OutOfMemory {
		t.Errorf("class %q for a crash in the program itself", class)
	}
}

// A process that ends for want of memory and one that gets away with what it took show one defect; other ends of other shapes do not.
func TestGreedIsOneBucket(t *testing.T) {
	if a, b := Name("crash", OutOfMemory, "x"), Name(Memory, "resident", "x"); a != b || Key("crash", OutOfMemory) != Key(Memory, "resident") {
		t.Errorf("%s and %s are two", a, b)
	}
	if Name("crash", OutOfMemory, "x") == Name("crash", OutOfMemory, "y") || Key("crash", OutOfMemory) == Key("crash", "panic") {
		t.Error("two defects are one")
	}
}
