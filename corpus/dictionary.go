package corpus

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

const dictionaryFile = "dict/route.dict"

// Word is one entry of the fuzzers' dictionary.
type Word struct {
	Class string // the first part of its name: verb, number, subject, …
	Name  string // what follows the class
	Text  string // never empty; any bytes
}

var dictionary = sync.OnceValues(func() ([]Word, error) {
	text, err := data.ReadFile(dictionaryFile)
	if err != nil {
		return nil, err
	}
	return readWords(string(text))
})

// Dictionary returns the words of dict/route.dict in the order of the file: one source for every fuzzing engine, whether it
// reads the file (libFuzzer's syntax) or this. An error is a *DataError.
func Dictionary() ([]Word, error) { return dictionary() }

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
			return nil, &DataError{File: dictionaryFile, Row: fmt.Sprintf("line %d", i+1), Err: err}
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
