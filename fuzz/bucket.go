package fuzz

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
)

// Crash is a panic of what a property tried.
type Crash struct {
	Value any
	Stack []byte // of the goroutine, innermost function first
}

func (c *Crash) Error() string { return fmt.Sprintf("panic: %v\n%s", c.Value, c.Stack) }

// Try checks data and gives a panic the form of an error, a *Crash. An input that ends the process or never comes to an end is the
// caller's to notice.
func (t Target) Try(data []byte) (err error) {
	defer func() {
		if caught := recover(); caught != nil {
			err = &Crash{caught, debug.Stack()}
		}
	}()
	return t.Check(data)
}

// Bucket names what err, of Try, says is wrong: what two inputs that show one defect have in common. It is good for a file. Of a
// message those words count that belong to the rule that was broken and not to the input; of a crash what it said, without
// numbers, and the innermost functions of this module.
func (t Target) Bucket(err error) string {
	class := ""
	var crash *Crash
	if errors.As(err, &crash) {
		class = "crash " + numbers.ReplaceAllString(fmt.Sprint(crash.Value), "n") + frames(string(crash.Stack))
	} else {
		class = rule(err.Error())
	}
	sum := sha256.Sum256([]byte(class))
	return slug(t.Name+" "+class) + "-" + hex.EncodeToString(sum[:4])
}

var (
	numbers   = regexp.MustCompile(`0x[0-9a-fA-F]+|-?[0-9]+`)
	quoted    = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	plainWord = regexp.MustCompile(`^[a-z]{4,}(?:_[a-z]+)*$`)
	verb      = regexp.MustCompile(`^(?:-ERR|RS[+-]|LS[+-]|A[+-]|[RHL]MSG|INFO|CONNECT|P[IO]NG)$`)
	joint     = regexp.MustCompile(`^(?:against|means|instead|then|want|after|it|with)$`)
	frameLine = regexp.MustCompile(`(?m)^github\.com/natsroute/natsroute/(reference/\S+)\(`)
	notWord   = regexp.MustCompile(`[^a-z0-9]+`)
)

// rule is what the first line of a message says without what belongs to the input: its plain words and names of operations, each
// once. What stands behind a name of an operation, up to a word that joins it to the rest, is the operation's text.
func rule(message string) string {
	line, _, _ := strings.Cut(message, "\n")
	line = quoted.ReplaceAllString(strings.Replace(line, "any first", "", 1), "") // a dialect's name
	var words []string
	skip := false
	for word := range strings.FieldsSeq(line) {
		word = strings.TrimRight(word, ":,;")
		switch {
		case joint.MatchString(word):
			skip = false
		case skip:
			continue
		case verb.MatchString(word):
			skip = true
		case !plainWord.MatchString(word):
			continue
		}
		if !slices.Contains(words, word) && len(words) < 12 {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

// frames lists the three innermost functions of the reference.
func frames(stack string) (text string) {
	for _, m := range frameLine.FindAllStringSubmatch(stack, 3) {
		text += " < " + m[1]
	}
	return text
}

func slug(text string) string {
	text = strings.Trim(notWord.ReplaceAllString(strings.ToLower(text), "-"), "-")
	return strings.Trim(text[:min(len(text), 60)], "-")
}

// ReadMasks reads a file with one bucket a line; no file is an empty one.
func ReadMasks(path string) (map[string]bool, error) {
	masks := map[string]bool{}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) || path == "" {
		return masks, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if bucket := strings.TrimSpace(lines.Text()); bucket != "" {
			masks[bucket] = true
		}
	}
	return masks, lines.Err()
}
