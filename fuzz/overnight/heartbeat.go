package overnight

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Heartbeat is one line of heartbeats.jsonl: how far a run is, once a minute and after its last turn.
type Heartbeat struct {
	At       time.Time `json:"at"`
	Run      int       `json:"run"`
	Elapsed  float64   `json:"elapsed_s"`
	Left     float64   `json:"left_s"`
	Target   string    `json:"target"` // whose turn it is
	Turns    int       `json:"turns"`
	Execs    uint64    `json:"execs"`       // of all targets
	Rate     float64   `json:"execs_per_s"` // since the last line
	Coverage int       `json:"coverage"`    // of all targets
	Classes  int       `json:"classes"`
	Buckets  int       `json:"buckets"` // in the folder
	New      int       `json:"new"`     // of them, found by this run
	Errors   int       `json:"errors"`  // turns that an engine has spoilt
}

// appendHeartbeat adds a line. One that a kill has cut short is passed over when they are read.
func appendHeartbeat(dir string, h *Heartbeat) error {
	line, err := json.Marshal(h)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, heartbeatFile), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// readHeartbeats returns the lines of one run.
func readHeartbeats(dir string, run int) ([]Heartbeat, error) {
	f, err := os.Open(filepath.Join(dir, heartbeatFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var all []Heartbeat
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var h Heartbeat
		if json.Unmarshal(lines.Bytes(), &h) == nil && h.Run == run {
			all = append(all, h)
		}
	}
	return all, lines.Err()
}
