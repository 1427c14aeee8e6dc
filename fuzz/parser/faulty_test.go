package parser

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/harness/pipe"
	"github.com/natsroute/natsroute/reference/wire"
)

// The test binary plays a parser with one mistake, which its first argument names, or the fuzzer ("fuzz").
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		os.Exit(play(os.Args[1], os.Args[2:]))
	}
	goleak.VerifyTestMain(m)
}

func play(role string, args []string) int {
	if role == "fuzz" {
		return playFuzzer(args)
	}
	in, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return 0
		}
		var r pipe.Request
		if err := errors.Join(err, json.Unmarshal(line, &r)); err != nil {
			return 1
		}
		if err := out.Encode(mistaken(role, &r)); err != nil {
			return 1
		}
	}
}

// held keeps what a leaking parser never gives back.
var held [][]byte

// pings is how many PINGs the process has read in streams that came whole, but for the first one, by which a parser is greeted.
var pings = -1

// hangMark is the variable that names a file which a parser makes before it hangs.
const hangMark = "PARSER_TEST_HANGS"

// mistaken answers as the reference does, but for one mistake.
func mistaken(role string, r *pipe.Request) pipe.Answer {
	s := pipe.Setting{Dialect: r.Dialect, ConnectFirst: r.ConnectFirst, Pinned: slices.Contains(r.Mode, corpus.ModePinned), LNOCU: slices.Contains(r.Mode, corpus.ModeLNOCU)}
	pieces := make([][]byte, len(r.Chunks))
	for i, chunk := range r.Chunks {
		pieces[i], _ = hex.DecodeString(chunk)
	}
	answer := must(pipe.Read(s, pieces...))
	for i := range answer.Ops {
		op := &answer.Ops[i]
		size := len(op.PayloadBytes())
		switch role {
		case "takes-ten-digits", "healthy":
		case "drops-reply":
			if op.Op == "RMSG" && len(op.Queues) > 0 {
				op.Reply = ""
			}
		case "crashes-on-zero":
			if op.Queue != "" && op.Weight == 0 && op.Op == "RS+" {
				panic(fmt.Sprintf("weight 0 of %q", op.Queue))
			}
		case "traceback":
			if op.Op == "HMSG" && op.HeaderSize == size {
				fmt.Fprintf(os.Stderr, "Traceback (most recent call last):\n  File \"p.py\", line %d, in parse\nIndexError: list index %d out of range\n", size, size)
				os.Exit(1)
			}
		case "dies-wordless":
			if op.Op == "LS-" {
				os.Exit(7)
			}
		case "hangs":
			if op.Op == "PONG" {
				if mark := os.Getenv(hangMark); mark != "" {
					_ = os.WriteFile(mark, nil, 0o644)
				}
				for stuck := true; stuck; {
				}
			}
		case "third-ping-hangs-up":
			if op.Op == "PING" && len(pieces) == 1 {
				if pings++; pings == 3 {
					panic("third")
				}
			}
		case "leaks":
			if op.Op == "A+" {
				b := make([]byte, 100<<20)
				for at := 0; at < len(b); at += 4096 {
					b[at] = 1
				}
				held = append(held, b)
			}
		}
	}
	switch role {
	case "takes-ten-digits":
		if answer.Token == string(wire.BadSize) {
			answer.Error, answer.Token = "eof", ""
		}
	case "line-one-too-long":
		if answer.Token == string(wire.LineTooLong) {
			answer.Error, answer.Token = "syntax", "argument_count"
		}
	case "cut-cr-lf":
		for _, piece := range pieces[:len(pieces)-1] {
			if n := len(piece); n > 0 && piece[n-1] == '\r' && len(answer.Ops) > 0 {
				answer.Ops = answer.Ops[:len(answer.Ops)-1]
				break
			}
		}
	case "logs-on-stdout":
		if answer.Token == string(wire.UnknownOp) {
			fmt.Println("WARN unknown operation")
		}
	}
	return answer
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// as is the command of a parser that plays the role.
func as(t *testing.T, role string) string {
	t.Helper()
	return fmt.Sprintf("%q %s", must(os.Executable()), role)
}

// playFuzzer fuzzes: the folder, the parser's role, whether it goes on with what is there.
func playFuzzer(args []string) int {
	cfg := Config{
		Command: fmt.Sprintf("%q %s", must(os.Executable()), args[1]), Dir: args[0], Resume: args[2] == "resume", Seed: 1, Workers: 1, Patience: time.Minute,
	}
	if _, err := Run(context.Background(), cfg); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
