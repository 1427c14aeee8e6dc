package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/harness/pipe"
)

// The scripts run this test binary as natsroute, so that they see real exit codes, signals and streams.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "natsroute" { // there Ginkgo refuses the flag
		_ = flag.Set("test.parallel", "8") // most of the time a script waits; what the command line says counts more
	}
	testscript.Main(m, map[string]func(){"natsroute": main, "oldparser": oldParser})
}

// oldParser is a parser that reads every stream in the oldest dialect, whatever it is asked for.
func oldParser() {
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		if err := pipe.Serve(strings.NewReader(strings.Replace(line, `"srv-2.15"`, `"srv-2.1"`, 1)), os.Stdout); err != nil {
			os.Exit(1)
		}
	}
}

var update = flag.Bool("update", false, "write what the scripts' cmp commands got into the scripts")

func params(dir string, extra ...string) testscript.Params {
	return testscript.Params{
		Dir: dir, Cmds: commands, UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			// The Go tool and its caches, for --launch nats-server@VERSION; nothing that natsroute itself reads.
			for _, name := range []string{"HOME", "XDG_CACHE_HOME", "GOPATH", "GOMODCACHE", "GOCACHE", "GOPROXY", "GONOSUMDB", "GOSUMDB", "GOFLAGS"} {
				if value, set := os.LookupEnv(name); set {
					e.Setenv(name, value)
				}
			}
			e.Vars = append(e.Vars, extra...)
			e.Values[fakesKey{}] = new(fakes)
			e.Defer(e.Values[fakesKey{}].(*fakes).close)
			return nil
		},
	}
}

func TestScripts(t *testing.T) { testscript.Run(t, params("testdata/script")) }

// Real servers: the oldest and the newest. Where one cannot be built here, its test has not run, and says so.
func TestRealServers(t *testing.T) {
	for _, version := range []string{"v2.1.2", "v2.15.2"} {
		t.Run(version, func(t *testing.T) {
			path, err := harness.NatsServer(context.Background(), version)
			var missing *harness.BuildError
			if errors.As(err, &missing) {
				t.Skipf("not run: nats-server %s: %v", version, err)
			}
			if err != nil {
				t.Fatal(err)
			}
			testscript.Run(t, params("testdata/real", "VERSION="+version, "NATS_SERVER="+path))
		})
	}
}

// TestMinimalServer certifies corpus/examples/minimal_server.py: a server that was written from spec/PROTOCOL.md and has
// no line of code in common with the reference.
func TestMinimalServer(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("not run: corpus/examples/minimal_server.py needs python3, which is not on the path")
	}
	path, err := filepath.Abs("../../corpus/examples/minimal_server.py")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, params("testdata/minimal", "PYTHON="+python, "MINIMAL="+path))
}
