package live

import (
	"errors"
	"slices"

	"github.com/natsroute/natsroute/fuzz/bucket"
	"github.com/natsroute/natsroute/fuzz/gen"
)

// Kind is what is wrong.
type Kind string

// What the oracles find.
const (
	Crash        Kind = "crash"        // the process has ended
	Unresponsive Kind = "unresponsive" // a server that is not ours does not answer any more
	Hang         Kind = "hang"         // the process runs, and a new connection gets no INFO
	Mute         Kind = "mute"         // one connection is not answered, others are
	Gate         Kind = "gate"         // something is said before CONNECT was accepted
	Accepted     Kind = "accepted"     // malformed bytes were taken
	Difference   Kind = "difference"   // another answer than the reference's
	Delivery     Kind = "delivery"     // the witness did not get exactly what it should have
	Split        Kind = "split"        // other segments of the same bytes, another answer
	Babble       Kind = "babble"       // what the target says is no protocol
	Memory       Kind = bucket.Memory  // memory grows far beyond what was sent
	Slow         Kind = "slow"         // INFO came late
	Versions     Kind = "versions"     // another answer than that of the server beside it, where the reference has no say
)

// Symptom is what an oracle has seen.
type Symptom struct {
	Kind   Kind
	Class  string // what two cases of one defect have in common
	Detail string // for people
	Stack  string // of a process that has ended: hostile text
}

// outOfMemory is the class of a process that asked for more memory than there is.
const outOfMemory = bucket.OutOfMemory

// noInfo is the class of a process that hangs, and of which nobody can say at which place.
const noInfo = "no INFO"

// placed tells whether the class says where it happened.
func (s *Symptom) placed() bool { return s.Stack != "" && s.Class != outOfMemory && s.Class != noInfo }

// greedy tells whether the target took far more memory than it was sent.
func (s *Symptom) greedy() bool { return bucket.Greedy(string(s.Kind), s.Class) }

// same tells whether two symptoms are of one bucket.
func (s *Symptom) same(other *Symptom) bool {
	return s != nil && other != nil && s.key() == other.key()
}

// key is the bucket without the shape of a sequence.
func (s *Symptom) key() string { return bucket.Key(string(s.Kind), s.Class) }

// bucket is a name that is good for a file. Where the class says nothing of where it happened the shape of the minimal sequence is
// part of it.
func (s *Symptom) bucket(shape string) string {
	if s.placed() {
		shape = ""
	}
	return bucket.Name(string(s.Kind), s.Class, shape)
}

func shape(seqs []gen.Sequence) string { return bucket.Shape(seqs) }

// crashSymptom reads how a process ended from what it wrote.
func crashSymptom(state, output string) *Symptom {
	class, detail, stack := bucket.Crash(state, output)
	return &Symptom{Kind: Crash, Class: class, Detail: detail, Stack: stack}
}

// masks are what the generator leaves out because of findings.
type masks struct{ *bucket.Masks }

func openMasks(dir string, more []string) (*masks, error) {
	m, err := bucket.OpenMasks(dir, more)
	var wrong *bucket.MaskError
	if errors.As(err, &wrong) {
		err = &ConfigError{wrong.Error()}
	}
	return &masks{m}, err
}

func (m *masks) add(bucket string, seqs []gen.Sequence) error { return m.Add(bucket, seqs) }

func (m *masks) tame(seq *gen.Sequence) bool { return m.Tame(seq) }

// cover tells whether one of the sequences would not be sent as it is.
func (m *masks) cover(seqs []gen.Sequence) bool {
	return slices.ContainsFunc(seqs, func(seq gen.Sequence) bool { return m.tame(&seq) })
}
