package corpus

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Words in vectors that a live driver replaces before it sends them. The first keeps its length, so that sizes and
// offsets stay: six characters of the run's own, so that a live run touches no subject of the target's users.
const (
	SubjectWord = "vector"
	PeerWord    = "PEER_ID"      // the driver's server_id on this connection
	ClusterWord = "CLUSTER_NAME" // the cluster name in the target's INFO
)

// Stages of a live connection before the vector.
const (
	Registered = "registered" // CONNECT and INFO have been sent and the interest read; the default
	Connected  = "connected"  // CONNECT has been sent
	Greeted    = "greeted"    // nothing has been sent
)

// Modes of the parser.
const (
	ModePinned = "pinned" // the connection serves one account: no operation carries an account
	ModeLNOCU  = "lnocu"  // LS- carries the origin
)

// Vector is one input on one connection and what must come of it, on a parser and on a live route port.
type Vector struct {
	ID           string   `json:"id"`
	Requirements []string `json:"requirements"` // the first one is judged; the others are named
	Comment      string   `json:"comment"`
	// Dialects that the vector is for; empty: all.
	Dialects []string `json:"dialects,omitempty"`
	// Stage is what has been said on the connection before the vector: Registered (when empty), Connected or Greeted. A
	// parser that wants CONNECT first has had it unless the stage is Greeted.
	Stage string `json:"stage,omitempty"`
	// Mode of the parser: ModePinned, ModeLNOCU. Live drivers play only vectors without a mode.
	Mode []string `json:"mode,omitempty"`
	In   string   `json:"in,omitempty"`
	// InHex replaces In where a byte is not printable ASCII, \r, \n or \t.
	InHex string `json:"in_hex,omitempty"`
	// InParts replaces In where a piece is repeated too often to be written out.
	InParts []Part `json:"in_parts,omitempty"`
	Want    Want   `json:"want"`
}

// Part is a text that is there a number of times in a row.
type Part struct {
	Text  string `json:"text"`
	Times int    `json:"times"`
}

// Want is the outcome of a vector.
type Want struct {
	Ops   []Op   `json:"ops"`             // operations released, also those before an error
	Error string `json:"error,omitempty"` // layer: syntax, limit, state, eof
	Token string `json:"token,omitempty"` // the reference's word for the rule broken
	// Live is what a live route port does, by dialect ("*" for the others). Empty map: parser only, see LiveReason.
	Live map[string]Live `json:"live,omitempty"`
	// LiveReason says why the vector is not played on a live port.
	LiveReason string `json:"live_reason,omitempty"`
	// Rest completes an incomplete input, see Incomplete.
	Rest string `json:"rest,omitempty"`
}

// Live is what must be seen on a live connection after the vector.
type Live string

const (
	EffectInterest Live = "effect:interest" // a client's publish on the last RS+ comes back on this route (needs a client)
	EffectRemoval  Live = "effect:removal"  // a client's publish on the last RS+ comes back no more (needs a client)
	EffectDelivery Live = "effect:delivery" // a client's subscription gets each message exactly once (needs a client)
	EffectPong     Live = "effect:pong"     // exactly one PONG for each PING operation of want.ops
	Ignored        Live = "ignored"         // nothing is seen, the connection stays open
	SoftError      Live = "soft_error"      // -ERR, the connection stays open
	RejectText     Live = "reject_text"     // closed, -ERR first (the text may be lost in the close)
	RejectSilent   Live = "reject_silent"   // closed, nothing is said
	Incomplete     Live = "incomplete"      // PING CR LF is taken as part of the operation; Rest completes it
)

// Vocabulary of the vectors. The tokens of a layer are those of the reference parser.
var (
	stages    = []string{Registered, Connected, Greeted}
	modes     = []string{ModePinned, ModeLNOCU}
	liveWords = []Live{
		EffectInterest, EffectRemoval, EffectDelivery, EffectPong, Ignored, SoftError, RejectText, RejectSilent, Incomplete,
	}
	tokens = map[string][]string{
		"": nil,
		"syntax": {
			"unknown_op", "missing_delimiter", "argument_count", "bad_indicator", "bad_size", "bad_header_size",
			"payload_terminator", "bad_json",
		},
		"limit": {"line_too_long", "payload_too_long"},
		"state": {"connect_required"},
		"eof":   nil,
	}
	messageOps = []string{"RMSG", "HMSG", "LMSG"}
	opNames    = []string{
		"INFO", "CONNECT", "PING", "PONG", "+OK", "-ERR", "RS+", "RS-", "RMSG", "HMSG", "LS+", "LS-", "LMSG", "A+", "A-",
	}
)

// Op is an operation in a vector. A payload that is not printable is in PayloadHex.
type Op struct {
	Op         string   `json:"op"` // the protocol's name, upper case
	Origin     string   `json:"origin,omitempty"`
	Account    string   `json:"account,omitempty"`
	Subject    string   `json:"subject,omitempty"`
	Reply      string   `json:"reply,omitempty"`
	Queue      string   `json:"queue,omitempty"`
	Queues     []string `json:"queues,omitempty"`
	Weight     int      `json:"weight,omitempty"` // -1: not a number of at most nine digits
	HeaderSize int      `json:"header_size,omitempty"`
	Payload    string   `json:"payload,omitempty"` // header block included
	PayloadHex string   `json:"payload_hex,omitempty"`
	Body       string   `json:"body,omitempty"` // INFO, CONNECT: JSON text; -ERR: text as received
}

// Bytes is the input. The caller owns the slice.
func (v *Vector) Bytes() []byte {
	switch {
	case v.InHex != "":
		return mustHex(v.InHex)
	case len(v.InParts) > 0:
		var b strings.Builder
		for _, p := range v.InParts {
			b.WriteString(strings.Repeat(p.Text, p.Times))
		}
		return []byte(b.String())
	}
	return []byte(v.In)
}

// In dialect d, is the vector wanted at all?
func (v *Vector) InDialect(d string) bool {
	return len(v.Dialects) == 0 || slices.Contains(v.Dialects, d)
}

// LiveIn is the live word in dialect d; false: the vector is not played on a live port of that dialect.
func (v *Vector) LiveIn(d string) (Live, bool) {
	if !v.InDialect(d) {
		return "", false
	}
	if live, ok := v.Want.Live[d]; ok {
		return live, true
	}
	live, ok := v.Want.Live["*"]
	return live, ok
}

// IsMessage tells whether the operation carries a payload.
func (o *Op) IsMessage() bool { return slices.Contains(messageOps, o.Op) }

// PayloadBytes is the payload of a message, its header block included. The caller owns the slice.
func (o *Op) PayloadBytes() []byte {
	if o.PayloadHex != "" {
		return mustHex(o.PayloadHex)
	}
	return []byte(o.Payload)
}

// HexPayload is what PayloadHex says, of an operation that no loader has seen; the error is that of its text. The caller owns the slice.
func (o *Op) HexPayload() ([]byte, error) { return decodeHex(o.PayloadHex) }

// OpNames lists the operations' names. The caller owns the slice.
func OpNames() []string { return slices.Clone(opNames) }

// mustHex decodes what the loader has seen to be hexadecimal; blanks between pairs are for the reader.
func mustHex(s string) []byte {
	b, err := decodeHex(s)
	if err != nil {
		panic(fmt.Sprintf("corpus: %v: use only vectors that Load returned", err))
	}
	return b
}

func decodeHex(s string) ([]byte, error) {
	return hex.DecodeString(strings.ReplaceAll(s, " ", ""))
}
