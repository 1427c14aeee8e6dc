package fuzz

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/reference/wire/naive"
)

// CheckRoundTrip decodes one operation out of data, for a connection of one of the modes: appended and parsed again it means the
// same, and what is appended of it is the same bytes.
func CheckRoundTrip(data []byte) error {
	src := gen.FromBytes(data)
	mode := wire.Mode{Pinned: src.Bool(), LeafUnsubOrigin: src.Bool()}
	op := decodeOp(src, mode)
	if err := naive.RoundTrip(&op, mode); err != nil {
		return fmt.Errorf("%s: %w", op.Kind, err)
	}
	return nil
}

// decodeOp makes an operation with any bytes that can stand in one.
func decodeOp(src *gen.Source, mode wire.Mode) wire.Op {
	op := wire.Op{Kind: wire.Info + wire.Kind(src.Intn(int(wire.AccountUnsub)))}
	switch op.Kind {
	case wire.Info:
		op.InfoBody = new(wire.InfoBody)
		op.InfoBody.ServerID, op.InfoBody.Port, op.InfoBody.Extra = text(src), src.Intn(1<<17), extra(src)
		op.InfoBody.IP, op.InfoBody.ConnectURLs, op.InfoBody.LNOC = text(src), []string{text(src)}, src.Bool()
	case wire.Connect:
		op.ConnectBody = new(wire.ConnectBody)
		op.ConnectBody.Name, op.ConnectBody.Verbose, op.ConnectBody.Extra = text(src), src.Bool(), extra(src)
	case wire.Err:
		op.Body = word(src)
	case wire.Ping, wire.Pong, wire.OK:
	case wire.AccountSub, wire.AccountUnsub:
		op.Account = word(src)
	default:
		decodeArguments(src, &op, mode)
	}
	return op
}

func decodeArguments(src *gen.Source, op *wire.Op, mode wire.Mode) {
	op.Subject = word(src)
	if !mode.Pinned {
		op.Account = word(src)
	}
	if op.Kind == wire.LeafSub || op.Kind == wire.LeafMsg || op.Kind == wire.LeafUnsub && mode.LeafUnsubOrigin {
		op.Origin = word(src)
	}
	if !op.Kind.IsMessage() {
		if src.Bool() {
			op.Queue = word(src)
			if op.Kind == wire.Sub || op.Kind == wire.LeafSub {
				op.Weight = src.Intn(1_000_000_000) - 1
			}
		}
		return
	}
	if src.Bool() {
		op.Reply = word(src)
	}
	for range src.Intn(4) {
		op.Queues = append(op.Queues, word(src))
	}
	if op.Kind != wire.Msg {
		op.HeaderSize = src.Intn(20)
	}
	op.Payload = src.Rest()
	op.Size = len(op.Payload)
	op.HeaderSize = min(op.HeaderSize, op.Size)
}

// word is bytes that can be an argument: one at least, none of them a separator.
func word(src *gen.Source) []byte {
	n := 1 + src.Intn(12)
	b := make([]byte, n)
	for i := range b {
		if b[i] = src.Byte(); b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n' {
			b[i] = '.'
		}
	}
	return b
}

// text is a word as JSON can carry it.
func text(src *gen.Source) string { return strings.ToValidUTF8(string(word(src)), "?") }

func extra(src *gen.Source) map[string]json.RawMessage {
	if !src.Chance(4) {
		return nil
	}
	// Upper case and a mark in front: no member is called that.
	return map[string]json.RawMessage{"~" + text(src): json.RawMessage(src.Pick([]string{"null", "[1, 2]", `"\u0000"`, "{}", "1e400"}))}
}
