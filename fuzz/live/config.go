package live

import (
	"crypto/tls"
	"fmt"
	"time"
)

// Config is one run of the fuzzer. Exactly one of Server and Launch is set.
type Config struct {
	Server         string      // host:port or URL of the route port of a server that runs
	Client         string      // client URL of that server; empty: no witness, so that deliveries are not judged
	User, Password string      // for the route port
	Launch         string      // command of harness.LaunchConfig, started once for each worker
	Beside         string      // command of a second server, one for each worker, that gets the same sequences and is to answer the same; empty: there is none
	TLS            *tls.Config // for the route port, of a server that runs or a command that brings certificates of its own; nil: what the address says
	LaunchTLS      bool        // what is started gets certificates made for the run, and speaks TLS on its route port
	Dialect        string      // generation of servers the target belongs to; empty: as its INFO and a probe say

	Dir       string        // where findings, corpus and state live
	Resume    bool          // go on with what Dir holds; else its corpus and findings are kept and not read
	Duration  time.Duration // 0: no limit
	Sequences uint64        // 0: no limit
	Seed      uint64
	Workers   int      // 0: one for a server that runs, else two
	Masks     []string // files of masks, beside those of Dir

	OwnTarget bool         // a target that is not loopback may be fuzzed
	Version   string       // of natsroute, for findings
	Flags     string       // the caller's flags for what Server, Launch and Beside do not say, in the commands of findings; nothing secret
	Progress  func(Status) // is told about once a second, from one goroutine; may be nil
	Log       func(string) // is told what takes its time and what was found, one line a call; may be nil
}

// Status is how far a run has come. It is also one line of status.jsonl.
type Status struct {
	At        time.Time `json:"at"`
	Elapsed   float64   `json:"elapsed_s"`
	Sequences uint64    `json:"sequences"`
	Rate      float64   `json:"sequences_per_s"` // since the last status
	Classes   int       `json:"classes"`
	Edges     int       `json:"edges"`
	Corpus    int       `json:"corpus"`
	Findings  int       `json:"findings"`     // buckets in the folder
	New       int       `json:"new_findings"` // of them, found by this run
	Known     uint64    `json:"known"`        // times that a known bucket was met again
	Unproven  uint64    `json:"unproven"`     // suspects that did not happen again on a fresh target
	Masked    uint64    `json:"masked"`       // sequences that a mask has changed
	Guarded   uint64    `json:"guarded"`      // sequences that the loopback guard has stopped
	Restarts  uint64    `json:"restarts"`     // of targets
	Quirks    uint64    `json:"quirks"`       // sequences that were judged in part, because of a named quirk
	LastClass float64   `json:"last_class_s"` // seconds since the last new class
	Phase     string    `json:"phase"`        // fuzzing, minimising, ended
}

// Result is the outcome of a run.
type Result struct {
	Status
	Buckets  []string          // new ones, in the order in which they were found
	Quirked  map[string]uint64 // by name of the quirk, sequences that were judged in part because of it
	Compared uint64            // of these, compared with what the server beside the target answers
}

// UnreachableError says that the target is not there, or has not come back.
type UnreachableError struct{ Err error }

func (e *UnreachableError) Error() string { return e.Err.Error() }

func (e *UnreachableError) Unwrap() error { return e.Err }

// ConfigError is a mistake of the caller.
type ConfigError struct{ Reason string }

func (e *ConfigError) Error() string { return e.Reason }

func (c *Config) check() error {
	switch {
	case (c.Server == "") == (c.Launch == ""):
		return &ConfigError{"a run needs a server that runs, or a command that starts one, and not both"}
	case c.Dir == "":
		return &ConfigError{"a run needs a folder to write to"}
	case c.Server != "" && c.Workers > 1:
		return &ConfigError{"a server that runs is fuzzed by one worker: two would see each other's messages"}
	case c.LaunchTLS && (c.Launch == "" || c.TLS != nil):
		return &ConfigError{"certificates are made for a server that is started, and not where there are some"}
	case c.Workers < 0 || c.Duration < 0:
		return &ConfigError{fmt.Sprintf("neither workers (%d) nor duration (%v) can be negative", c.Workers, c.Duration)}
	}
	return nil
}

func (c *Config) workers() int {
	switch {
	case c.Workers > 0:
		return c.Workers
	case c.Server != "":
		return 1
	}
	return 2
}

func (c *Config) log(format string, args ...any) {
	if c.Log != nil {
		c.Log(fmt.Sprintf(format, args...))
	}
}
