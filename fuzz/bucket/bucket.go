// Package bucket tells defects apart: what two failures of one defect have in common gives it a name, and a mask that keeps the generator
// from making it again.
package bucket

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"
)

// Name is a bucket's name, good for a file: the kind, words of the class, and a hash of these and of further, which tells apart what the class
// does not.
func Name(kind, class, further string) string {
	kind, class = family(kind, class)
	text := kind + "|" + class
	if further != "" {
		text += "|" + further
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return fmt.Sprintf("%s-%s-%08x", kind, Slug(class), uint32(h.Sum64()))
}

// Key is what two failures of one defect have in common.
func Key(kind, class string) string {
	kind, class = family(kind, class)
	return kind + "|" + class
}

// OutOfMemory is the class of a process that asked for more memory than there is. Which function asked last is chance.
const OutOfMemory = "out of memory"

// Memory is the kind of a process that takes far more memory than it was sent.
const Memory = "memory"

// Greedy tells whether a failure is of memory: the process ends for want of it or gets away with what it took, as much as the machine has to give at
// the moment.
func Greedy(kind, class string) bool { return kind == Memory || class == OutOfMemory }

// family brings together how greed shows.
func family(kind, class string) (string, string) {
	if Greedy(kind, class) {
		return Memory, "far beyond what was sent"
	}
	return kind, class
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// Slug is a text in lower-case words joined by -, at most 60 bytes of it.
func Slug(s string) string {
	s = strings.Trim(notWord.ReplaceAllString(strings.ToLower(s), "-"), "-")
	return strings.Trim(s[:min(len(s), 60)], "-")
}

var (
	fatalLine = regexp.MustCompile(`(?m)^(panic: .*|fatal error: .*|runtime: out of memory.*|SIGQUIT: quit.*|SIGSEGV.*|unexpected fault address.*)$`)
	// A Go program whose collector gets no memory for its own lists ends with a SIGSEGV within it.
	collectorLine = regexp.MustCompile(`\ASIGSEGV.*\n(?:.*\n){0,3}goroutine 0 .*\nruntime\.`)
	memoryLine    = regexp.MustCompile(`out of memory|cannot allocate memory`)
	numbers       = regexp.MustCompile(`0x[0-9a-fA-F]+|[0-9]+`)
)

// Crash reads how a process ended from its state and from what it wrote: what two ends of one defect have in common, a line for people, and what the
// process said, which is hostile text.
func Crash(state, output string) (class, detail, stack string) {
	at := fatalLine.FindStringIndex(output)
	if at == nil {
		return "ended: " + withoutNumbers(state), "the process ended: " + state, output[max(0, len(output)-2<<10):]
	}
	message := output[at[0]:at[1]]
	stack = output[at[0]:]
	frames := topFrames(stack, 3)
	class = withoutNumbers(message) + " in " + strings.Join(frames, " < ")
	if memoryLine.MatchString(message) || len(frames) == 0 && collectorLine.MatchString(stack) {
		class = OutOfMemory
	}
	return class, message, stack[:min(len(stack), 8<<10)]
}

// inner are the packages that say nothing of where a program is: the runtime, and the locks that it gives to everybody.
var inner = []string{"runtime.", "sync.", "sync/", "internal/sync.", "internal/runtime/"}

// topFrames are the names of the innermost functions of the first goroutine of a stack that are not in the inner packages.
func topFrames(stack string, n int) []string {
	var frames []string
	for line := range strings.Lines(firstGoroutine(stack)) {
		at := strings.LastIndexByte(line, '(')
		if at <= 0 || line[0] == '\t' || line[0] == ' ' || strings.HasPrefix(line, "created by ") {
			continue
		}
		name := line[:at]
		isInner := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		if name == "panic" || !strings.Contains(name, ".") || slices.ContainsFunc(inner, isInner) {
			continue
		}
		name = name[strings.LastIndexByte(name, '/')+1:]
		if frames = append(frames, withoutNumbers(name)); len(frames) == n {
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

func withoutNumbers(s string) string { return numbers.ReplaceAllString(s, "N") }

// Locked is where the first goroutine of a dump that waits for a lock does so: its innermost frames. A goroutine that runs is at another place
// each time, and says nothing that two hangs have in common.
func Locked(dump string) (where string, ok bool) {
	return waiting(dump, func(state string) bool { return strings.Contains(state, "Lock") })
}

// Running is where the first goroutine of a dump is that runs, for people.
func Running(dump string) (where string, ok bool) {
	return waiting(dump, func(state string) bool {
		return strings.HasPrefix(state, "running") || strings.HasPrefix(state, "runnable")
	})
}

// waiting are the frames of the first goroutine in such a state with frames of the program's own.
func waiting(dump string, in func(state string) bool) (where string, ok bool) {
	for g := range strings.SplitSeq(dump, "\n\n") {
		head, _, _ := strings.Cut(g, "\n")
		_, state, isGoroutine := strings.Cut(head, "[")
		if !isGoroutine || !strings.HasPrefix(head, "goroutine ") || !in(state) {
			continue
		}
		if frames := topFrames(g, 3); len(frames) > 0 {
			return strings.Join(frames, " < "), true
		}
	}
	return "", false
}
