package overnight

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Files in the folder of a run.
const (
	stateFile     = "state.json"
	heartbeatFile = "heartbeats.jsonl"
	markdownFile  = "report.md"
	htmlFile      = "report.html"
)

// State is what a run knows. It is on disk after each turn and each heartbeat.
type State struct {
	Schema  string                  `json:"schema"` // natsroute.overnight/v1
	Run     int                     `json:"run"`    // of the folder, from 1
	Started time.Time               `json:"started"`
	Spent   float64                 `json:"spent_s"` // seconds of fuzzing, pauses between killed and resumed not counted
	Ended   bool                    `json:"ended"`
	Resumed int                     `json:"resumed"` // how often the run went on after it was cut
	Turns   int                     `json:"turns"`
	Targets map[string]*TargetState `json:"targets"`
	Buckets map[string]*Bucket      `json:"buckets"` // by target/bucket
}

// TargetState is what a run knows of one target.
type TargetState struct {
	Turns    int     `json:"turns"`
	Seconds  float64 `json:"seconds"`
	Execs    uint64  `json:"execs"`
	Coverage int     `json:"coverage"`
	Classes  int     `json:"classes"`
	Pruned   int     `json:"pruned"`
	Failed   int     `json:"failed"` // turns that the engine itself has spoilt
	Error    string  `json:"error,omitempty"`
	Yield    float64 `json:"yield"`
	LastTurn int     `json:"last_turn"`
}

// Bucket is one defect.
type Bucket struct {
	Target string  `json:"target"`
	Bucket string  `json:"bucket"`
	Title  string  `json:"title"`
	File   string  `json:"file"`
	Bytes  int     `json:"bytes"`
	Run    int     `json:"run"`     // which run of the folder found it
	FirstS float64 `json:"first_s"` // seconds of fuzzing in that run until then
}

const schema = "natsroute.overnight/v1"

// open reads the state of dir for a run: of the one that was cut, or a new one that knows the buckets there are.
func open(dir string, now time.Time) (*State, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	s := &State{Schema: schema, Ended: true}
	text, err := os.ReadFile(filepath.Join(dir, stateFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(text, s); err != nil || s.Schema != schema {
			return nil, fmt.Errorf("%s in %s is not the state of an overnight run: name another folder", stateFile, dir)
		}
	}
	if s.Ended {
		*s = State{Schema: schema, Run: s.Run + 1, Started: now, Buckets: s.Buckets}
	} else {
		s.Resumed++
	}
	if s.Targets == nil {
		s.Targets = map[string]*TargetState{}
	}
	if s.Buckets == nil {
		s.Buckets = map[string]*Bucket{}
	}
	return s, nil
}

// save replaces the state on disk.
func (s *State) save(dir string) error {
	text, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	return replace(filepath.Join(dir, stateFile), append(text, '\n'))
}

// replace writes a file so that it is there whole or as it was, also after a power cut.
func replace(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// target is the state of one, new if need be.
func (s *State) target(name string) *TargetState {
	t := s.Targets[name]
	if t == nil {
		t = &TargetState{}
		s.Targets[name] = t
	}
	return t
}

// take notes what a target has found and returns the buckets that nobody knew.
func (s *State) take(target string, found []Finding) []*Bucket {
	var fresh []*Bucket
	for _, f := range found {
		key := target + "/" + f.Bucket
		if b := s.Buckets[key]; b != nil {
			b.Bytes, b.File = f.Bytes, f.File
			continue
		}
		b := &Bucket{Target: target, Bucket: f.Bucket, Title: f.Title, File: f.File, Bytes: f.Bytes, Run: s.Run, FirstS: s.Spent}
		s.Buckets[key] = b
		fresh = append(fresh, b)
	}
	return fresh
}

// fresh lists the buckets that this run has found, in no order.
func (s *State) fresh() (list []*Bucket) {
	for _, b := range s.Buckets {
		if b.Run == s.Run {
			list = append(list, b)
		}
	}
	return list
}
