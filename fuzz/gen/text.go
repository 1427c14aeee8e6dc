package gen

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// The text form of a sequence, one step a line, members of a JSON object on lines of their own:
//
//	natsroute sequence 1
//	0 send "INFO" " " object end " \r\n"
//	    member "\"server_id\"" "\"@id@\""
//	0 send "RMSG" " $G" " foo" " @size@" end "\r\n" payload "ok" "\r\n"
//	client send "PUB" " foo" " @size@" end "\r\n" payload "" "\r\n"
//	0 end
//
// Quoted parts have the escapes of Go strings, so that any byte can stand in them. Empty lines and lines that begin with # mean
// nothing.
const textTitle = "natsroute sequence 1"

// MarshalText returns the text form. The error is always nil.
func (q Sequence) MarshalText() ([]byte, error) { return q.AppendText(nil) }

// AppendText appends the text form to b. The error is always nil.
func (q Sequence) AppendText(b []byte) ([]byte, error) {
	b = append(b, textTitle+"\n"...)
	for i := range q.Steps {
		b = q.Steps[i].appendText(b)
	}
	return b, nil
}

// appendQuote is strconv.AppendQuote, which takes its time, fast for lines of ASCII.
func appendQuote(b []byte, text string) []byte {
	from := len(b)
	b = append(b, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\n':
			b = append(b, `\n`...)
		case c < ' ' || c > '~':
			return strconv.AppendQuote(b[:from], text)
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func (st *Step) appendText(b []byte) []byte {
	if st.Conn == Client {
		b = append(b, "client"...)
	} else {
		b = strconv.AppendInt(b, int64(st.Conn), 10)
	}
	if st.End {
		return append(b, " end\n"...)
	}
	m := &st.Message
	b = appendQuote(append(b, " send "...), m.Verb)
	for _, f := range m.Fields {
		b = appendQuote(append(b, ' '), f)
	}
	if m.Object {
		b = append(b, " object"...)
	}
	if m.End != "" {
		b = appendQuote(append(b, " end "...), m.End)
	}
	if m.Payload != "" || m.Close != "" {
		b = appendQuote(append(b, " payload "...), m.Payload)
		b = appendQuote(append(b, ' '), m.Close)
	}
	b = append(b, '\n')
	for _, member := range m.Members {
		b = appendQuote(append(b, "    member "...), member.Name)
		b = appendQuote(append(b, ' '), member.Value)
		b = append(b, '\n')
	}
	return b
}

// TextError is a line of a sequence's text form that does not read.
type TextError struct {
	Line int // from 1
	What string
}

func (e *TextError) Error() string { return fmt.Sprintf("sequence, line %d: %s", e.Line, e.What) }

// UnmarshalText reads the text form; an error is a *TextError.
func (q *Sequence) UnmarshalText(text []byte) error {
	var seq Sequence
	titled := false
	for i, line := range strings.Split(string(text), "\n") {
		words, err := splitWords(line)
		switch {
		case err != nil:
			return &TextError{i + 1, err.Error()}
		case len(words) == 0:
			continue
		case !titled:
			if titled = line == textTitle; !titled {
				return &TextError{i + 1, "it does not begin with " + strconv.Quote(textTitle)}
			}
			continue
		}
		if err := seq.readLine(words); err != nil {
			return &TextError{i + 1, err.Error()}
		}
	}
	if !titled {
		return &TextError{1, "it is empty"}
	}
	*q = seq
	return nil
}

// word is a bare word or a quoted text.
type word struct {
	text   string
	quoted bool
}

func splitWords(line string) ([]word, error) {
	var words []word
	for {
		line = strings.TrimLeft(line, " \t\r")
		if line == "" || line[0] == '#' && len(words) == 0 {
			return words, nil
		}
		if line[0] == '"' {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, fmt.Errorf("a quoted text does not end: %.40s", line)
			}
			text, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, err
			}
			words, line = append(words, word{text, true}), line[len(quoted):]
			continue
		}
		bare := line
		if end := strings.IndexAny(line, " \t\r\""); end >= 0 {
			bare = line[:end]
		}
		words, line = append(words, word{text: bare}), line[len(bare):]
	}
}

// take returns the quoted texts that words begin with, and the rest.
func take(words []word) (texts []string, rest []word) {
	for len(words) > 0 && words[0].quoted {
		texts, words = append(texts, words[0].text), words[1:]
	}
	return texts, words
}

func (q *Sequence) readLine(words []word) error {
	if words[0] == (word{text: "member"}) {
		return q.readMember(words[1:])
	}
	conn := Client
	if words[0] != (word{text: "client"}) {
		n, err := strconv.Atoi(words[0].text)
		if err != nil || words[0].quoted || n < 0 || n >= MaxConns {
			return fmt.Errorf("%q is no connection: 0 to %d, or client", words[0].text, MaxConns-1)
		}
		conn = n
	}
	step := Step{Conn: conn}
	switch {
	case len(words) == 2 && words[1] == word{text: "end"}:
		step.End = true
	case len(words) > 2 && words[1] == word{text: "send"}:
		if err := step.Message.readWords(words[2:]); err != nil {
			return err
		}
	default:
		return fmt.Errorf("neither send with a message nor end follows the connection")
	}
	q.Steps = append(q.Steps, step)
	return nil
}

func (q *Sequence) readMember(words []word) error {
	texts, rest := take(words)
	if len(q.Steps) == 0 || !q.Steps[len(q.Steps)-1].Message.Object || len(texts) != 2 || len(rest) > 0 {
		return fmt.Errorf("a member has a name and a value and stands below a message with an object")
	}
	m := &q.Steps[len(q.Steps)-1].Message
	m.Members = append(m.Members, Member{Name: texts[0], Value: texts[1]})
	return nil
}

func (m *Message) readWords(words []word) error {
	texts, rest := take(words)
	if len(texts) == 0 {
		return fmt.Errorf("a message has no verb")
	}
	m.Verb = texts[0]
	if len(texts) > 1 {
		m.Fields = texts[1:]
	}
	if len(rest) > 0 && rest[0].text == "object" {
		m.Object, rest = true, rest[1:]
	}
	if len(rest) > 1 && rest[0].text == "end" && rest[1].quoted {
		m.End, rest = rest[1].text, rest[2:]
	}
	if len(rest) > 2 && rest[0].text == "payload" && rest[1].quoted && rest[2].quoted {
		m.Payload, m.Close, rest = rest[1].text, rest[2].text, rest[3:]
	}
	if len(rest) > 0 {
		return fmt.Errorf("%q does not belong there", rest[0].text)
	}
	return nil
}

// String returns the text form without its title.
func (q Sequence) String() string {
	text, _ := q.MarshalText()
	return string(bytes.TrimPrefix(text, []byte(textTitle+"\n")))
}
