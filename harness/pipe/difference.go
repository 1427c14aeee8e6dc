package pipe

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/reference/wire"
)

// Difference is where two answers part.
type Difference struct {
	Op     int    // index of the operation; of the first behind all where the ends differ
	What   string // what two differences of one defect have in common: names, tokens, no text of the input
	Detail string // for people
}

// Compare holds what a parser has answered against what is wanted; nil: it is the same. Members that say nothing may be left out, a payload may come as text or in
// hexadecimal, and of a text that is no UTF-8 only that it is there is compared, for JSON cannot carry it. Behind a body on which decoders of JSON may differ
// nothing is compared if the parser has refused it.
func Compare(want, got *Answer) *Difference {
	for i := range max(len(want.Ops), len(got.Ops)) {
		switch {
		case i == len(want.Ops):
			op := &got.Ops[i]
			return &Difference{i, fmt.Sprintf("%s where %s is due", kind(op), end(want)), fmt.Sprintf("operation %d is %s, and none is there: %s is due", i, said(op), end(want))}
		case i == len(got.Ops):
			op := &want.Ops[i]
			if got.Token == string(wire.BadJSON) && unsettled(op) {
				return nil
			}
			return &Difference{i, fmt.Sprintf("%s instead of %s", end(got), op.Op), fmt.Sprintf("operation %d has to be %s, and the answer has %s", i, said(op), end(got))}
		}
		if name, w, g := member(&want.Ops[i], &got.Ops[i]); name != "" {
			d := &Difference{Op: i, What: fmt.Sprintf("%s of %s", name, want.Ops[i].Op), Detail: fmt.Sprintf("%s of operation %d, %s, has to be %s, and is %s", name, i, want.Ops[i].Op, w, g)}
			if name == "op" {
				d.What = fmt.Sprintf("%s instead of %s", kind(&got.Ops[i]), want.Ops[i].Op)
			}
			return d
		}
	}
	if want.Error != got.Error || want.Token != got.Token {
		return &Difference{len(want.Ops), fmt.Sprintf("%s instead of %s", end(got), end(want)), fmt.Sprintf("behind %d operations there has to be %s, and there is %s", len(want.Ops), end(want), end(got))}
	}
	return nil
}

// end is how an answer ends, in the words of the vectors and none of the parser's own.
func end(a *Answer) string {
	layer, token := known(a.Error, layers), known(a.Token, tokens)
	switch {
	case layer == "" && token == "":
		return "no error"
	case token == "":
		return layer
	}
	return cmp.Or(layer, "no layer") + " " + token
}

var layers = []string{wire.LayerSyntax, wire.LayerLimit, wire.LayerState, eof}

var tokens = func() (all []string) {
	for _, token := range wire.Tokens() {
		all = append(all, string(token))
	}
	return all
}()

func known(word string, words []string) string {
	if word == "" || slices.Contains(words, word) {
		return word
	}
	return "another word"
}

func kind(op *corpus.Op) string { return known(op.Op, corpus.OpNames()) }

// member is the first member in which two operations differ.
func member(want, got *corpus.Op) (name, w, g string) {
	for _, m := range []struct {
		name      string
		want, got string
	}{
		{"op", want.Op, got.Op},
		{"origin", want.Origin, got.Origin},
		{"account", want.Account, got.Account},
		{"subject", want.Subject, got.Subject},
		{"reply", want.Reply, got.Reply},
		{"queue", want.Queue, got.Queue},
		{"body", want.Body, got.Body},
	} {
		if !sameText(m.want, m.got) {
			return m.name, printable(m.want), printable(m.got)
		}
	}
	if !slices.EqualFunc(want.Queues, got.Queues, sameText) {
		return "queues", list(want.Queues), list(got.Queues)
	}
	if want.Weight != got.Weight {
		return "weight", fmt.Sprint(want.Weight), fmt.Sprint(got.Weight)
	}
	if want.HeaderSize != got.HeaderSize {
		return "header_size", fmt.Sprint(want.HeaderSize), fmt.Sprint(got.HeaderSize)
	}
	a, _ := payload(want) // both were read before
	b, _ := payload(got)
	if !bytes.Equal(a, b) {
		return "payload", printable(string(a)), printable(string(b))
	}
	return "", "", ""
}

// unsettled tells whether decoders of JSON may differ on the body: it is no UTF-8, or has an escape of half a character.
func unsettled(op *corpus.Op) bool {
	body := op.Op == wire.Info.String() || op.Op == wire.Connect.String()
	return body && (!utf8.ValidString(op.Body) || strings.Contains(strings.ToLower(op.Body), `\ud`))
}

// sameText tells whether a text is as it has to be, as far as JSON can say it.
func sameText(want, got string) bool {
	return want == got || !utf8.ValidString(want) && got != ""
}

func list(texts []string) string {
	return printable(fmt.Sprintf("%q", texts))
}

// said is an operation for people.
func said(op *corpus.Op) string {
	text := op.Op
	for _, arg := range append([]string{op.Origin, op.Account, op.Subject, op.Queue, op.Reply}, op.Queues...) {
		if arg != "" {
			text += " " + arg
		}
	}
	return printable(text)
}

// Line is an answer for people.
func (a *Answer) Line() string {
	var b strings.Builder
	for i := range a.Ops {
		fmt.Fprintf(&b, "[%s] ", said(&a.Ops[i]))
	}
	return b.String() + end(a)
}

// printable is a text for people, in ASCII, its beginning where it is long.
func printable(s string) string {
	const most = 200
	if len(s) <= most {
		return strconv.QuoteToASCII(s)
	}
	return fmt.Sprintf("%s and more, %d bytes", strconv.QuoteToASCII(s[:most]), len(s))
}
