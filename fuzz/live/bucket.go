package live

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
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
	Memory       Kind = "memory"       // memory grows far beyond what was sent
	Slow         Kind = "slow"         // INFO came late
)

// Symptom is what an oracle has seen.
type Symptom struct {
	Kind   Kind
	Class  string // what two cases of one defect have in common
	Detail string // for people
	Stack  string // of a process that has ended: hostile text
}

// outOfMemory is the class of a process that asked for more memory than there is. Which function asked last is chance.
const outOfMemory = "out of memory"

// placed tells whether the class says where it happened.
func (s *Symptom) placed() bool { return s.Stack != "" && s.Class != outOfMemory }

// same tells whether two symptoms are of one bucket.
func (s *Symptom) same(other *Symptom) bool {
	return s != nil && other != nil && s.Kind == other.Kind && s.Class == other.Class
}

// key is the bucket without the shape of a sequence.
func (s *Symptom) key() string { return string(s.Kind) + "|" + s.Class }

// bucket is a name that is good for a file: the kind, words of the class, and a hash. Where the class says nothing of
// where it happened the shape of the minimal sequence is part of it.
func (s *Symptom) bucket(shape string) string {
	text := s.key()
	if !s.placed() {
		text += "|" + shape
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return fmt.Sprintf("%s-%s-%08x", s.Kind, slug(s.Class), uint32(h.Sum64()))
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

func slug(s string) string {
	s = strings.Trim(notWord.ReplaceAllString(strings.ToLower(s), "-"), "-")
	return strings.Trim(s[:min(len(s), 60)], "-")
}

var (
	fatalLine  = regexp.MustCompile(`(?m)^(panic: .*|fatal error: .*|runtime: out of memory.*|SIGQUIT: quit.*|SIGSEGV.*|unexpected fault address.*)$`)
	memoryLine = regexp.MustCompile(`out of memory|cannot allocate memory`)
	numbers    = regexp.MustCompile(`0x[0-9a-fA-F]+|[0-9]+`)
)

// crashSymptom reads how a process ended from what it wrote.
func crashSymptom(state, output string) *Symptom {
	at := fatalLine.FindStringIndex(output)
	if at == nil {
		return &Symptom{Kind: Crash, Class: "ended: " + numbers.ReplaceAllString(state, "N"), Detail: "the process ended: " + state, Stack: tail(output, 2<<10)}
	}
	message := output[at[0]:at[1]]
	stack := output[at[0]:]
	class := numbers.ReplaceAllString(message, "N") + " in " + strings.Join(topFrames(stack, 3), " < ")
	if memoryLine.MatchString(message) {
		class = outOfMemory
	}
	return &Symptom{Kind: Crash, Class: class, Detail: message, Stack: stack[:min(len(stack), 8<<10)]}
}

// topFrames are the names of the innermost functions of the first goroutine that are not the runtime's or of the standard library.
func topFrames(stack string, n int) []string {
	var frames []string
	for line := range strings.Lines(firstGoroutine(stack)) {
		at := strings.LastIndexByte(line, '(')
		if at <= 0 || line[0] == '\t' || line[0] == ' ' || strings.HasPrefix(line, "created by ") {
			continue
		}
		name := line[:at]
		if name == "panic" || strings.HasPrefix(name, "runtime.") || !strings.Contains(name, ".") {
			continue
		}
		name = name[strings.LastIndexByte(name, '/')+1:]
		if frames = append(frames, numbers.ReplaceAllString(name, "N")); len(frames) == n {
			break
		}
	}
	return frames
}

func firstGoroutine(stack string) string {
	at := strings.Index(stack, "\ngoroutine ")
	if at < 0 {
		return stack
	}
	stack = stack[at+1:]
	if end := strings.Index(stack, "\n\n"); end >= 0 {
		stack = stack[:end]
	}
	return stack
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
