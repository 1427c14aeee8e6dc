package pipe

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/natsroute/natsroute/corpus"
	"github.com/natsroute/natsroute/reference/wire"
)

// Read is what the reference's parser makes of the pieces. The error says that there is no such dialect. Texts of the answer are the
// bytes as they came, also where they are no UTF-8.
func Read(s Setting, pieces ...[]byte) (Answer, error) {
	d, err := s.dialect()
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Ops: []corpus.Op{}}
	parser := wire.NewParser(d)
	parser.SetMode(wire.Mode{Pinned: s.Pinned, LeafUnsubOrigin: s.LNOCU})
	for _, piece := range pieces {
		parser.Feed(piece)
		for {
			var op wire.Op
			err := parser.Next(&op)
			if errors.Is(err, wire.ErrNeedMore) {
				break
			}
			if err != nil {
				a.Error, a.Token = layerAndToken(err)
				return a, nil
			}
			a.Ops = append(a.Ops, inWords(&op))
		}
	}
	if errors.Is(parser.Finish(), io.ErrUnexpectedEOF) {
		a.Error = eof
	}
	return a, nil
}

// eof is the layer of a stream that ends inside an operation.
const eof = "eof"

func layerAndToken(err error) (layer, token string) {
	var syntax *wire.SyntaxError
	var limit *wire.LimitError
	var state *wire.StateError
	switch {
	case errors.As(err, &syntax):
		return syntax.Layer(), string(syntax.Token)
	case errors.As(err, &limit):
		return limit.Layer(), string(limit.Token)
	case errors.As(err, &state):
		return state.Layer(), string(state.Token)
	}
	return "", ""
}

// inWords is an operation in the words of the vectors.
func inWords(op *wire.Op) corpus.Op {
	o := corpus.Op{
		Op: op.Kind.String(), Origin: string(op.Origin), Account: string(op.Account), Subject: string(op.Subject), Reply: string(op.Reply),
		Queue: string(op.Queue), HeaderSize: op.HeaderSize, Body: string(op.Body),
	}
	if len(op.Queue) > 0 {
		o.Weight = op.Weight
	}
	for _, q := range op.Queues {
		o.Queues = append(o.Queues, string(q))
	}
	if plain(op.Payload) {
		o.Payload = string(op.Payload)
	} else {
		o.PayloadHex = hex.EncodeToString(op.Payload)
	}
	return o
}

func plain(b []byte) bool {
	for _, c := range b {
		if c != '\r' && c != '\n' && c != '\t' && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}

// RequestError is a line that is no request.
type RequestError struct {
	Line int // from 1
	Err  error
}

func (e *RequestError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

func (e *RequestError) Unwrap() error { return e.Err }

// Serve answers requests as the reference's parser until in ends. An error is a *RequestError, or that of in or out.
func Serve(in io.Reader, out io.Writer) error {
	lines, enc := bufio.NewReaderSize(in, 64<<10), json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		a, wrong := answer(line)
		if wrong != nil {
			return &RequestError{n, wrong}
		}
		if err := enc.Encode(a); err != nil {
			return err
		}
	}
}

func answer(line []byte) (Answer, error) {
	var r Request
	if err := json.Unmarshal(line, &r); err != nil {
		return Answer{}, err
	}
	s, err := r.setting()
	if err != nil {
		return Answer{}, err
	}
	pieces := make([][]byte, len(r.Chunks))
	for i, chunk := range r.Chunks {
		if pieces[i], err = hex.DecodeString(chunk); err != nil {
			return Answer{}, fmt.Errorf("chunk %d: %w", i, err)
		}
	}
	return Read(s, pieces...)
}
