package dict

import (
	"errors"
	"strings"
	"testing"
)

func TestDictionary(t *testing.T) {
	words, err := Words()
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range words {
		// Two things that a server has to meet together come about by combination only.
		if verb := strings.ContainsAny(w.Text, " \t"); w.Class == "verb" && verb || w.Class == "number" && strings.ContainsAny(w.Text, " RL") {
			t.Errorf("%s_%s holds more than one thing: %q", w.Class, w.Name, w.Text)
		}
	}
}

func TestDictionarySyntax(t *testing.T) {
	words, err := readWords("# a comment\n\n a_b=\"x\\x0d\\\\\\\"=y\"\n")
	if err != nil || len(words) != 1 || words[0] != (Word{Class: "a", Name: "b", Text: "x\r\\\"=y"}) {
		t.Errorf("got %q, %v", words, err)
	}
	for _, bad := range []string{`a_b`, `a="x"`, `_b="x"`, `a_="x"`, `a_b=x`, `a_b="\n"`, `a_b="\x0"`, `a_b="`, `a_b=""`, `a_b="\`, "a_b=\"x\"\na_b=\"y\""} {
		var fault *SyntaxError
		if _, err := readWords(bad); !errors.As(err, &fault) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
