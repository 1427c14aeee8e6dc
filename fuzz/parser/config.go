package parser

import (
	"fmt"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

// Config is one run of the fuzzer.
type Config struct {
	Command string // that starts the parser, one for each worker
	Dialect string // that is asked for; empty: the latest

	Dir       string        // where findings, corpus and state live
	Resume    bool          // go on with what Dir holds; else its corpus and findings are kept and not read
	Duration  time.Duration // 0: no limit
	Sequences uint64        // 0: no limit
	Seed      uint64
	Workers   int           // 0: two
	Masks     []string      // files of masks, beside those of Dir
	Patience  time.Duration // for one answer; 0: five seconds

	Progress func(Status) // is told about once a second, from one goroutine; may be nil
	Log      func(string) // is told what takes its time and what was found, one line a call; may be nil
}

// Status is how far a run has come. It is also one line of status.jsonl.
type Status struct {
	At        time.Time `json:"at"`
	Elapsed   float64   `json:"elapsed_s"`
	Sequences uint64    `json:"sequences"`
	Requests  uint64    `json:"requests"` // a sequence is asked for whole and in pieces
	Rate      float64   `json:"sequences_per_s"`
	Classes   int       `json:"classes"` // of answers: what was agreed on, the last operation, layer, token
	Corpus    int       `json:"corpus"`
	Findings  int       `json:"findings"`     // buckets in the folder
	New       int       `json:"new_findings"` // of them, found by this run
	Known     uint64    `json:"known"`        // times that a known bucket was met again
	Unproven  uint64    `json:"unproven"`     // suspects that did not happen again in a fresh process
	Masked    uint64    `json:"masked"`       // sequences that a mask has changed
	Restarts  uint64    `json:"restarts"`     // of parsers
	LastClass float64   `json:"last_class_s"` // seconds since the last new class
	Phase     string    `json:"phase"`        // fuzzing, minimising, ended
}

// Result is the outcome of a run.
type Result struct {
	Status
	Buckets []string // new ones, in the order in which they were found
}

// ConfigError is a mistake of the caller.
type ConfigError struct{ Reason string }

func (e *ConfigError) Error() string { return e.Reason }

// UnreachableError says that a parser, freshly started, does not answer a stream of one PING.
type UnreachableError struct {
	Err  error
	Said string // last bytes of its standard error: hostile text
}

func (e *UnreachableError) Error() string {
	text := "the parser, freshly started, does not answer: " + e.Err.Error()
	if e.Said != "" {
		text += "\nit said:\n" + e.Said
	}
	return text
}

func (e *UnreachableError) Unwrap() error { return e.Err }

const (
	defaultWorkers  = 2
	defaultPatience = 5 * time.Second
)

// check completes the configuration.
func (c *Config) check() error {
	if c.Dialect == "" {
		c.Dialect = wire.Latest().Name
	}
	if c.Workers == 0 {
		c.Workers = defaultWorkers
	}
	if c.Patience == 0 {
		c.Patience = defaultPatience
	}
	if _, err := wire.DialectByName(c.Dialect); err != nil {
		return &ConfigError{err.Error()}
	}
	switch {
	case c.Dir == "":
		return &ConfigError{"a run needs a folder to write to"}
	case c.Workers < 0 || c.Duration < 0 || c.Patience < 0:
		return &ConfigError{fmt.Sprintf("neither workers (%d) nor duration (%v) nor patience (%v) can be negative", c.Workers, c.Duration, c.Patience)}
	}
	return nil
}

func (c *Config) log(format string, args ...any) {
	if c.Log != nil {
		c.Log(fmt.Sprintf(format, args...))
	}
}
