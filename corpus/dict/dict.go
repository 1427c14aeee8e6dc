// Package dict holds the dictionary of every fuzzing engine: route.dict, in the syntax of libFuzzer. It is a package of its own, with one
// embedded file beside it, because go-fuzz-build can copy no more than that.
package dict

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

//go:embed route.dict
var file string

// Word is one entry of the fuzzers' dictionary.
type Word struct {
	Class string // the first part of its name: verb, number, subject, …
	Name  string // what follows the class
	Text  string // never empty; any bytes
}

var words = sync.OnceValues(func() ([]Word, error) { return readWords(file) })

// Words returns the words of route.dict in the order of the file. An error is a *SyntaxError.
func Words() ([]Word, error) { return words() }

// SyntaxError is a line that libFuzzer would not read, or that has no class.
type SyntaxError struct {
	Line int // from 1
	Err  error
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("route.dict, line %d: %v", e.Line, e.Err) }

func (e *SyntaxError) Unwrap() error { return e.Err }

func readWords(text string) ([]Word, error) {
	var all []Word
	seen := make(map[string]bool)
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		word, err := readWord(line)
		if err == nil && seen[word.Class+"_"+word.Name] {
			err = fmt.Errorf("a second entry of this name")
		}
		if err != nil {
			return nil, &SyntaxError{Line: i + 1, Err: err}
		}
		seen[word.Class+"_"+word.Name] = true
		all = append(all, word)
	}
	return all, nil
}

// readWord reads class_name="text", with \\, \" and \xHH in text. Go's strings have these escapes too, and more: a text that uses
// one of the others is refused, as libFuzzer refuses it.
func readWord(line string) (Word, error) {
	name, quoted, ok := strings.Cut(line, "=")
	class, rest, named := strings.Cut(name, "_")
	if !ok || !named || class == "" || rest == "" {
		return Word{}, fmt.Errorf("%q is not of the form class_name=\"text\"", line)
	}
	for at := 0; at < len(quoted); at++ {
		if quoted[at] != '\\' {
			continue
		}
		if at++; at >= len(quoted) || !strings.ContainsRune(`\"x`, rune(quoted[at])) {
			return Word{}, fmt.Errorf("libFuzzer knows the escapes \\\\, \\\" and \\xHH only: %s", quoted)
		}
	}
	text, err := strconv.Unquote(quoted)
	if err != nil {
		return Word{}, fmt.Errorf("%s: %w", quoted, err)
	}
	if text == "" {
		return Word{}, fmt.Errorf("%s is empty, which libFuzzer refuses", name)
	}
	return Word{Class: class, Name: rest, Text: text}, nil
}
