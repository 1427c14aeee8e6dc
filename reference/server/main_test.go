package server_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/natsroute/natsroute/reference/server"
)

// patience bounds every wait of these tests. None is part of a verdict that says something must not happen.
const patience = 10 * time.Second

// serveVariable makes the test binary be a server: the throughput benchmark measures servers in processes of their own.
const serveVariable = "NATSROUTE_TEST_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		os.Exit(serve())
	}
	goleak.VerifyTestMain(m)
}

// serve runs a server until standard input ends, after telling where it is on standard output.
func serve() int {
	s, err := server.New(server.Config{})
	if err == nil {
		err = s.Start(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(s.ClientURL(), s.RouteAddr())
	io.Copy(io.Discard, os.Stdin)
	s.Close()
	return 0
}

// start returns a running server, which the end of the test closes.
func start(tb testing.TB, cfg server.Config) *server.Server {
	tb.Helper()
	s, err := server.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Start(context.Background()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

// withTimeout is the context of one test.
func withTimeout(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	tb.Cleanup(cancel)
	return ctx
}
