package overnight

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Live is the live fuzzer against one server, in a process of its own: natsroute fuzz.
type Live struct {
	Label   string   // part of its folder's name
	Command string   // path of natsroute
	Args    []string // what names the server: --launch COMMAND, -s ADDRESS and so on
	Env     []string // added to the environment
	Root    string   // the run's folder; all of the target is in live/LABEL below it
	Seed    uint64   // of the first turn; each further turn has another one
	Entries int      // what Prune leaves in the corpus; 0: 5000

	turns uint64
}

func (l *Live) Name() string { return "live-" + l.Label }

func (l *Live) dir(parts ...string) string {
	return filepath.Join(append([]string{l.Root, "live", l.Label}, parts...)...)
}

// Exit codes of natsroute fuzz that end a turn as it should end.
const (
	exitFinding = 1
	exitCut     = 5
)

// Run lets natsroute fuzz work for d.
func (l *Live) Run(ctx context.Context, d time.Duration, tell func(Progress)) (Progress, error) {
	if err := os.MkdirAll(l.dir(), 0o755); err != nil {
		return Progress{}, err
	}
	// It starts a server, and ends what it has begun to minimise: that may take longer than d.
	limited, cancel := context.WithTimeout(ctx, d+2*time.Minute)
	defer cancel()
	args := append([]string{"fuzz", "-o", l.dir(), "--resume", "--duration", d.String(), "--seed", strconv.FormatUint(l.Seed+l.turns, 10)}, l.Args...)
	l.turns++
	began := l.size()
	var said bytes.Buffer
	cmd := command(limited, l.Command, args...)
	cmd.Env = append(os.Environ(), l.Env...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return Progress{}, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(5 * time.Second)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			tell(l.progress(began))
		case err := <-ended:
			sweep(cmd)
			return l.progress(began), judgeExit(ctx, err, said.String())
		}
	}
}

func judgeExit(ctx context.Context, err error, said string) error {
	var exit *exec.ExitError
	if err == nil || ctx.Err() != nil {
		return nil
	}
	if errors.As(err, &exit) && (exit.ExitCode() == exitFinding || exit.ExitCode() == exitCut) {
		return nil
	}
	return fmt.Errorf("%w: %s", err, printable(lastLines(said)))
}

// statusFile is where natsroute fuzz tells how far it is, one line of JSON now and then.
const statusFile = "status.jsonl"

func (l *Live) size() int64 {
	f, err := os.Stat(l.dir(statusFile))
	if err != nil {
		return 0
	}
	return f.Size()
}

// progress reads the last whole line behind offset.
func (l *Live) progress(offset int64) Progress {
	text, err := os.ReadFile(l.dir(statusFile))
	if err != nil || int64(len(text)) < offset {
		return Progress{}
	}
	var p Progress
	for line := range bytes.Lines(text[offset:]) {
		var status struct {
			Sequences uint64 `json:"sequences"`
			Classes   int    `json:"classes"`
			Edges     int    `json:"edges"`
		}
		if json.Unmarshal(line, &status) == nil {
			p = Progress{Execs: status.Sequences, Coverage: status.Edges, Classes: status.Classes}
		}
	}
	return p
}

// headLine is a line of the head of a finding.
var headLine = regexp.MustCompile(`(?m)^# (symptom|size) +(.*)$`)

var sizeBytes = regexp.MustCompile(`([0-9]+) bytes`)

// Collect reads the findings in the fuzzer's folder.
func (l *Live) Collect() ([]Finding, error) {
	paths, err := filepath.Glob(l.dir("findings", "*.txt"))
	if err != nil {
		return nil, err
	}
	var all []Finding
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		shown, err := filepath.Rel(l.Root, path)
		if err != nil {
			return nil, err
		}
		f := Finding{Bucket: strings.TrimSuffix(filepath.Base(path), ".txt"), File: filepath.ToSlash(shown), Bytes: len(text)}
		for _, m := range headLine.FindAllStringSubmatch(string(text), -1) {
			switch m[1] {
			case "symptom":
				f.Title = strings.TrimSpace(m[2])
			case "size":
				if b := sizeBytes.FindStringSubmatch(m[2]); b != nil {
					f.Bytes, _ = strconv.Atoi(b[1])
				}
			}
		}
		all = append(all, f)
	}
	return all, nil
}

// Prune makes the fuzzer's corpus smaller.
func (l *Live) Prune() (int, error) { return prune(l.dir("corpus"), l.Entries) }
