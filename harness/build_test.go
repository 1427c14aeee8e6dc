package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// ownCache gives the test a cache directory of its own.
func ownCache(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("not run: the cache directory can be moved on Linux only")
	}
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir)
	return dir
}

// fakeGo puts a program named go in front of PATH.
func fakeGo(t *testing.T, text string) {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\n"+text), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestNatsServerFaults(t *testing.T) {
	for _, tc := range []struct {
		name, version, tool, want string
	}{
		{"no version", "latest", "", "it is no version of 2.x"},
		{"a path", "v2.1.2/../../x", "", "it is no version of 2.x"},
		{"unreachable proxy", "v2.99.0", "echo 'dial tcp 127.0.0.1:1: connect: connection refused'; exit 1", "proxy cannot be reached"},
		{"unknown version", "2.99.0", "echo 'unknown revision v2.99.0'; exit 1", "there is no such version"},
		{"broken source", "v2.99.0", "printf 'undefined: \\033x'; exit 1", `the Go tool failed: exit status 1`},
		{"builds nothing", "v2.99.0", "exit 0", "has built no program"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ownCache(t)
			fakeGo(t, tc.tool)
			path, err := NatsServer(deadline(t), tc.version)
			var missing *BuildError
			if path != "" || !errors.As(err, &missing) || !strings.Contains(err.Error(), tc.want) || strings.ContainsRune(err.Error(), '\x1b') {
				t.Errorf("%q, %v", path, err)
			}
		})
	}
	t.Run("no Go tool", func(t *testing.T) {
		ownCache(t)
		t.Setenv("PATH", "")
		var missing *BuildError
		if _, err := NatsServer(deadline(t), "v2.99.0"); !errors.As(err, &missing) || !strings.Contains(err.Error(), "the Go tool is not in PATH") {
			t.Errorf("%v", err)
		}
	})
	t.Run("context", func(t *testing.T) {
		ownCache(t)
		fakeGo(t, "exec sleep 60")
		if _, err := NatsServer(brief(t), "v2.99.0"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}

// Several who want one version at once get it from one build, in a place that holds nothing but whole programs.
func TestNatsServerIsBuiltOnce(t *testing.T) {
	cache := ownCache(t)
	count := filepath.Join(t.TempDir(), "count")
	fakeGo(t, `echo "$PWD $GOBIN $GOFLAGS $GOOS. $*" >>`+count+`
echo program >$GOBIN/nats-server
`)
	t.Setenv("GOOS", "plan9")
	var told []string
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			path, err := BuildNatsServer(t.Context(), "2.99.0", func(s string) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, s)
			})
			if want := filepath.Join(cache, "natsroute/nats-server/v2.99.0/nats-server"); err != nil || path != want {
				t.Errorf("%q, %v", path, err)
			}
		})
	}
	all.Wait()
	built := strings.Fields(string(value[[]byte](t)(os.ReadFile(count))))
	if len(built) != 6 || built[0] != built[1] || built[2] != "-mod=mod" || built[3] != "." ||
		built[5] != "github.com/nats-io/nats-server/v2@v2.99.0" {
		t.Errorf("the Go tool ran with %q", built)
	}
	if len(told) != 1 {
		t.Errorf("progress: %q", told)
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "natsroute/nats-server/v2.99.0/build-*")); len(left) != 0 {
		t.Errorf("left over: %q", left)
	}
}
