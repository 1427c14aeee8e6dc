package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/server"
	"github.com/natsroute/natsroute/spec/report"
)

// commands are the scripts' own, beside those of testscript.
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"exits":      exits,
	"interrupt":  endBy(os.Interrupt),
	"terminate":  endBy(syscall.SIGTERM),
	"killed":     endBy(os.Kill),
	"harness":    listenAsHarness,
	"wellformed": wellformed,
	"secure":     secureReference,
	"spoil":      spoil,
	"impostor":   impostor,
	"reference":  reference,
	"muffle":     muffle,
	"stall":      stall,
	"mortal":     startMortal,
	"member":     joinMember,
	"freeport":   freeport,
	"await":      await,
	"crlf":       crlf,
	"chop":       chop,
	"schema":     schema,
	"untold":     untold,
}

func fakesOf(ts *testscript.TestScript) *fakes { return ts.Value(fakesKey{}).(*fakes) }

func number(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}

// exits CODE COMMAND ARGS… runs a command that must end with that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS…")
	}
	started := time.Now()
	err := ts.Exec(args[1], args[2:]...)
	want, got := number(ts, args[0]), 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%s: %v", args[1], err)
	}
	if got != want {
		ts.Fatalf("exit %d, want %d", got, want)
	}
	// Wrong addresses and the loss of a target are told within seconds, and no target makes a run last longer than a minute.
	if took := time.Since(started); want == report.ExitUnreachable && took > time.Minute {
		ts.Fatalf("exit %d came after %v", got, took)
	}
}

// secureReference starts the reference server with TLS on its route port: ROUTE, CLIENT, and the files CA, CERT, KEY.
func secureReference(ts *testscript.TestScript, _ bool, _ []string) {
	authority, err := harness.NewAuthority()
	ts.Check(err)
	ca, cert, key, err := authority.WriteFiles(ts.Getenv("WORK"))
	ts.Check(err)
	own, err := authority.Issue()
	ts.Check(err)
	srv, err := fakesOf(ts).reference(server.Config{Cluster: "C1", RouteTLS: authority.Config(own)})
	ts.Check(err)
	for name, value := range map[string]string{"ROUTE": srv.RouteAddr(), "CLIENT": srv.ClientURL(), "CA": ca, "CERT": cert, "KEY": key} {
		ts.Setenv(name, value)
	}
}

// spoil VAR puts a proxy before $ROUTE that writes hostile text into INFO and -ERR, and swallows PONG after a while.
func spoil(ts *testscript.TestScript, _ bool, args []string) {
	const hostile = `\u001b[2J\u001b]0;owned\u0007<script>alert(1)</script> **bold** ]]> &amp; | x`
	address, err := fakesOf(ts).proxy(ts.Getenv("ROUTE"), func(line string) string {
		switch {
		case strings.HasPrefix(line, "INFO "):
			return strings.Replace(line, `"version":"`, `"version":"`+hostile, 1)
		case strings.HasPrefix(line, "-ERR "):
			return "-ERR '\x1b[2J\x1b]0;owned\a<script>alert(1)</script> ]]> &'\r\n"
		}
		return withoutPong(line)
	})
	ts.Check(err)
	ts.Setenv(args[0], address)
}

// signalled is a command's output that tells when a text has come.
type signalled struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	text string
	seen chan struct{}
}

func (s *signalled) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf.Write(p)
	if s.text != "" && strings.Contains(s.buf.String(), s.text) {
		s.text = ""
		close(s.seen)
	}
	return len(p), nil
}

// endBy is interrupt CODE WHEN COMMAND ARGS…, with a signal that may be another than its SIGINT: it sends that to a command at a
// moment, and wants that exit code. WHEN is "stalled" (a proxy of `stall` holds a connection) or a text on standard
// output. Both outputs are left in the files stdout and stderr.
func endBy(sig os.Signal) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < 3 {
			ts.Fatalf("usage: interrupt CODE WHEN COMMAND ARGS…")
		}
		out := &signalled{seen: make(chan struct{})}
		when := (<-chan struct{})(out.seen)
		if args[1] == "stalled" {
			when = fakesOf(ts).stalled
		} else {
			out.text = args[1]
		}
		var stderr bytes.Buffer
		path, err := exec.LookPath(args[2])
		ts.Check(err)
		cmd := exec.Command(path, args[3:]...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = ts.Getenv("WORK"), out, &stderr
		cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"))
		ts.Check(cmd.Start())
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-when:
			ts.Check(cmd.Process.Signal(sig))
			err = <-ended
		case err = <-ended:
			ts.Fatalf("%s ended before its time: %v\n%s%s", args[2], err, out.buf.String(), stderr.String())
		}
		code := cmd.ProcessState.ExitCode()
		ts.Check(os.WriteFile(ts.MkAbs("stdout"), out.buf.Bytes(), 0o600))
		ts.Check(os.WriteFile(ts.MkAbs("stderr"), stderr.Bytes(), 0o600))
		if code != number(ts, args[0]) {
			ts.Fatalf("exit %d (%v), want %s\n%s%s", code, err, args[0], out.buf.String(), stderr.String())
		}
	}
}

// impostor KIND VAR listens as something that is no route port and puts its address into VAR.
func impostor(ts *testscript.TestScript, _ bool, args []string) {
	serve, known := impostors[args[0]]
	if !known {
		ts.Fatalf("there is no impostor %s", args[0])
	}
	address, err := fakesOf(ts).listen("127.0.0.1", serve)
	ts.Check(err)
	ts.Setenv(args[1], address)
}

// reference [HOST] starts the reference server; ROUTE, ROUTEPORT, CLIENT and CLIENTADDR tell where. With "credentials" it wants user u and
// password t0psecret on routes, and has users of the default account and of the accounts A and B.
func reference(ts *testscript.TestScript, _ bool, args []string) {
	config := server.Config{Cluster: "C1"}
	for _, arg := range args {
		switch arg {
		case "credentials":
			config.RouteUser, config.RoutePassword = "u", "t0psecret"
			config.Accounts = map[string]server.User{"$G": {Name: "ug", Password: "t0psecret"}, "A": {Name: "ua", Password: "t0psecret"}, "B": {Name: "ub", Password: "t0psecret"}}
		default:
			config.Host = arg
		}
	}
	srv, err := fakesOf(ts).reference(config)
	if err != nil && config.Host == "::1" {
		ts.Logf("not run: this machine has no IPv6 loopback: %v", err)
		ts.Setenv("NOIPV6", "1")
		return
	}
	ts.Check(err)
	ts.Setenv("ROUTE", srv.RouteAddr())
	ts.Setenv("CLIENT", srv.ClientURL())
	ts.Setenv("CLIENTADDR", srv.ClientAddr())
	_, port, err := net.SplitHostPort(srv.RouteAddr())
	ts.Check(err)
	ts.Setenv("ROUTEPORT", port)
}

// joinMember starts a second reference server that joins the cluster of the first, and waits until clients of the first are told
// of it.
func joinMember(ts *testscript.TestScript, _ bool, _ []string) {
	_, err := fakesOf(ts).reference(server.Config{Cluster: "C1", Routes: []string{"nats-route://" + ts.Getenv("ROUTE")}})
	ts.Check(err)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		conn, err := net.Dial("tcp", ts.Getenv("CLIENTADDR"))
		ts.Check(err)
		info, err := bufio.NewReader(conn).ReadString('\n')
		ts.Check(errors.Join(err, conn.Close()))
		if _, urls, _ := strings.Cut(info, `"connect_urls":[`); strings.Count(urls[:strings.IndexByte(urls, ']')], ",") == 1 {
			return
		}
	}
	ts.Fatalf("the second server did not join")
}

// muffle VAR puts a proxy before $ROUTE that swallows PONG.
func muffle(ts *testscript.TestScript, _ bool, args []string) {
	address, err := fakesOf(ts).proxy(ts.Getenv("ROUTE"), withoutPong)
	ts.Check(err)
	ts.Setenv(args[0], address)
}

// stall N VAR puts a proxy before $ROUTE that passes connections on and holds the one after the first N.
func stall(ts *testscript.TestScript, _ bool, args []string) {
	address, err := fakesOf(ts).stall(ts.Getenv("ROUTE"), number(ts, args[0]))
	ts.Check(err)
	ts.Setenv(args[1], address)
}

// freeport VAR puts a port on which nothing listens into VAR.
func freeport(ts *testscript.TestScript, _ bool, args []string) {
	var f fakes
	address, err := f.listen("127.0.0.1", nil)
	ts.Check(err)
	f.close()
	ts.Setenv(args[0], strings.TrimPrefix(address, "127.0.0.1:"))
}

// await ADDRESS waits until somebody listens there.
func await(ts *testscript.TestScript, _ bool, args []string) { ts.Check(awaitPort(args[0])) }

// crlf FILE… gives the lines of files the ends that they have on the wire: a script cannot hold them.
func crlf(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := strings.ReplaceAll(ts.ReadFile(name), "\n", "\r\n")
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// chop FILE takes the last line end away, as a killed run leaves a file.
func chop(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.TrimSuffix(ts.ReadFile(args[0]), "\n")), 0o600))
}

// schema FILE checks a report.json, or each line of a results.jsonl, against the schema. FILE may be stdout.
func schema(ts *testscript.TestScript, _ bool, args []string) {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(report.JSONSchema))
	ts.Check(err)
	ts.Check(compiler.AddResource("report.schema.json", doc))
	ref := "report.schema.json"
	if strings.HasSuffix(args[0], ".jsonl") {
		ref += "#/$defs/result"
	}
	compiled, err := compiler.Compile(ref)
	ts.Check(err)
	text := ts.ReadFile(args[0])
	parts := []string{text}
	if strings.HasSuffix(args[0], ".jsonl") {
		parts = strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	}
	for i, part := range parts {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(part))
		if err == nil {
			err = compiled.Validate(doc)
		}
		if err != nil {
			ts.Fatalf("%s, part %d: %v\n%s", args[0], i+1, err, part)
		}
	}
}

// untold TEXT wants that no file of the working directory holds the text.
func untold(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(filepath.WalkDir(ts.MkAbs("."), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		text, err := io.ReadAll(f)
		if i := bytes.Index(text, []byte(args[0])); i >= 0 {
			ts.Fatalf("%s tells %q: …%s…", path, args[0], text[max(0, i-80):min(len(text), i+80)])
		}
		return err
	}))
}
