package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/natsroute/natsroute/fuzz/gen"
	"github.com/natsroute/natsroute/reference/wire"
)

// A quirk is something that healthy servers do otherwise than the reference, or not the same way each time. Where a sequence
// meets one, what it touches is not compared; that the target lives, answers new connections and says nothing before CONNECT is judged
// all the same.
type quirk struct {
	name    string
	touches touched
	source  string
	met     func(*quirkCase) bool
	steady  bool // a server does it the same way each time, so that two servers can be compared
}

// touched is what a quirk makes different.
type touched uint8

const (
	messages touched = iota + 1 // which messages and interest come, not PONG, -ERR and closes
	answers                     // everything
)

// quirkCase is a sequence as the model has played it.
type quirkCase struct {
	t   *target
	m   *model
	seq *gen.Sequence
	env *gen.Env
}

// quirks is the table. Each has its test.
var quirks = []quirk{
	{"ended", answers, "a server notices the end of a connection whenever it reads it: what others see until then may go either way", (*quirkCase).ended, false},
	{"client-operations", answers, "seen 2.1.2 to 2.15.2: SUB, UNSUB, PUB and HPUB of clients are read on a route; the reference refuses them", (*quirkCase).clientOperations, true},
	{"carriage-return", answers, "seen 2.1.2 to 2.15.2: a CR within a line cuts the line where it came in one read, and vanishes where it came in two", (*quirkCase).carriageReturn, false},
	{"line-feed", answers, "seen 2.1.2 to 2.15.2: an LF right behind the delimiter of an operation is the first byte of its arguments; the reference ends a line at its first LF", (*quirkCase).lineFeed, true},
	{"own-limits", answers, "the reference bounds lines and payloads where servers have no bound, or another one: 2.1.2 to 2.12.1", (*quirkCase).ownLimits, true},
	{"unknown-members", answers, "a release does not care about the type of a member that it does not know; the reference knows those of all", (*quirkCase).unknownMembers, true},
	{"members-in-two-steps", answers, "seen 2.15.2: what CONNECT has in common with a client's is read, and refused, before the type of cluster, gateway and the like is looked at", (*quirkCase).twoSteps, true},
	{"compressed", answers, "an INFO that asks for S2 turns the connection into a stream that is not read here", (*quirkCase).compressed, false},
	{"pinned-late", answers, "seen 2.10.27, and the reference: what goes to a connection before its INFO pins it names the account, what goes there afterwards does not, and nothing tells where that begins", (*quirkCase).pinnedLate, false},
	{"begun", messages, "a connection that is within an operation answers no barrier: whether what it has said before was read when another one speaks is up to chance", (*quirkCase).begun, false},
	{"blanks-in-keys", messages, "seen 2.1.2 to 2.15.2: RS- finds its subscription, and RMSG its cached lookup, by the text of its arguments, blanks included", (*quirkCase).blanksInKeys, true},
	{"weights", messages, "seen 2.1.2 to 2.14.6: a weight below 1 is never chosen, or the server panics; a large one is expanded at each lookup", (*quirkCase).weights, true},
	{"chance", messages, "which member of a queue group gets a message is up to chance", (*quirkCase).chance, false},
	{"queue-returns", messages, "seen 2.10.27: a route's message for a group that has members on routes alone goes to one of these, the sender included", (*quirkCase).queueReturns, true},
	{"odd-subjects", messages, "seen: 2.1.2 takes empty tokens for tokens, 2.5 to 2.15 map replies of JetStream and services", (*quirkCase).oddSubjects, true},
	{"first-id", answers, "seen 2.1.2: an INFO with another id than CONNECT's name is news of another server, one with a gateway news of that; neither registers anybody", (*quirkCase).firstID, true},
	{"renamed", answers, "seen 2.1.2 to 2.15.2: a CONNECT behind INFO gives the peer its name for an id, and a later INFO is its own, or news of another server, by that", (*quirkCase).renamed, true},
	{"ids-again", answers, "an id or a name that a closed connection had is free only when the server has taken that in", (*quirkCase).idsAgain, false},
	{"half-pools", answers, "an index without a pool, or both out of order: what comes of it depends on the release", (*quirkCase).halfPools, true},
	{"behind-a-close", messages, "src 2.1.2 to 2.15.2: a server that closes because of an INFO goes on with what it has read already", (*quirkCase).behindAClose, false},
	{"account-moves", answers, "an INFO that moves an account to a connection of its own changes the server for good", (*quirkCase).accountMoves, false},
	{"two-of-one", answers, "connections of one id, or of a pool: which one a message takes, and which one is closed, depends on the release", (*quirkCase).twoOfOne, false},
}

// quirkOf finds the quirk that the sequence meets, one that touches everything if there is one; nil: there is none.
func quirkOf(t *target, m *model, seq *gen.Sequence, env *gen.Env) *quirk {
	c := quirkCase{t, m, seq, env}
	var found *quirk
	for i := range quirks {
		q := &quirks[i]
		if (found == nil || q.touches > found.touches) && q.met(&c) {
			found = q
		}
	}
	return found
}

// steady tells whether the sequence that was played last meets no quirk that is different each time.
func (p *player) steady(seq *gen.Sequence) bool {
	c := quirkCase{p.t, p.model, seq, &p.env}
	return !slices.ContainsFunc(quirks, func(q quirk) bool { return !q.steady && q.met(&c) })
}

func (c *quirkCase) ended() bool {
	for i := range c.seq.Steps {
		if c.seq.Steps[i].End && i < len(c.seq.Steps)-1 {
			return true
		}
	}
	return false
}

// anyConn tells whether one of the connections is like that.
func (c *quirkCase) anyConn(is func(*modelConn) bool) bool { return c.m.anyConn(is) }

// clientOperations looks at where the reference's parser gave up.
func (c *quirkCase) clientOperations() bool {
	return c.anyConn(func(conn *modelConn) bool {
		var syntax *wire.SyntaxError
		if !errors.As(conn.fault, &syntax) || syntax.Token != wire.UnknownOp {
			return false
		}
		at := conn.sent[min(int(conn.parser.Offset()), len(conn.sent)):]
		for _, verb := range []string{"SUB", "UNSUB", "PUB", "HPUB", "HMSG", "LS", "LM"} {
			if len(at) >= len(verb) && bytes.EqualFold(at[:len(verb)], []byte(verb)) {
				return verb[0] != 'H' && verb[0] != 'L' || c.t.dialect.Headers
			}
		}
		return false
	})
}

func (c *quirkCase) carriageReturn() bool {
	return c.anyConn(func(conn *modelConn) bool {
		for i, b := range conn.sent {
			if b == '\r' && i+1 < len(conn.sent) && conn.sent[i+1] != '\n' {
				return true
			}
		}
		return false
	})
}

// lineFeed looks for lines of one word that an LF alone ends: INFO and CONNECT, or any other with blanks behind it.
func (c *quirkCase) lineFeed() bool {
	return c.anyConn(func(conn *modelConn) bool {
		for line := range bytes.Lines(conn.sent) {
			word := bytes.TrimRight(line, " \t\n")
			if len(word) > 8 || len(word) == len(line) || bytes.HasSuffix(line, []byte("\r\n")) || bytes.ContainsAny(word, " \t") {
				continue
			}
			if len(word)+1 < len(line) || bytes.EqualFold(word, []byte("INFO")) || bytes.EqualFold(word, []byte("CONNECT")) {
				return true
			}
		}
		return false
	})
}

func (c *quirkCase) ownLimits() bool {
	return c.anyConn(func(conn *modelConn) bool {
		var limit *wire.LimitError
		if errors.As(conn.fault, &limit) && (limit.Token == wire.PayloadTooLong || c.t.dialect.Limits.ControlLine != 1<<16) {
			return true
		}
		if c.t.dialect.Headers {
			return false
		}
		var syntax *wire.SyntaxError // 2.1.2: sizes of any length, which wrap
		if errors.As(conn.fault, &syntax) && (syntax.Token == wire.BadSize || syntax.Token == wire.BadHeaderSize) {
			return true
		}
		for line := range bytes.Lines(conn.sent) {
			if len(line) > 4000 {
				return true
			}
		}
		return false
	})
}

// unknownMembers looks for a body that is JSON, and refused because of a member's type.
func (c *quirkCase) unknownMembers() bool {
	return c.anyConn(func(conn *modelConn) bool {
		var syntax *wire.SyntaxError
		if !errors.As(conn.fault, &syntax) || syntax.Token != wire.BadJSON || c.t.dialect.Name == wire.Latest().Name {
			return false
		}
		return json.Valid(conn.lastBody())
	})
}

// lastBody is the object of the line at which the reference's parser gave up; empty: there is none.
func (c *modelConn) lastBody() []byte {
	line, _, _ := bytes.Cut(c.sent[min(int(c.parser.Offset()), len(c.sent)):], []byte("\n"))
	return line[max(bytes.IndexByte(line, '{'), 0):]
}

// twoSteps looks for a CONNECT that is JSON, and refused because of a member's type.
func (c *quirkCase) twoSteps() bool {
	return c.anyConn(func(conn *modelConn) bool {
		var syntax *wire.SyntaxError
		return errors.As(conn.fault, &syntax) && syntax.Token == wire.BadJSON && syntax.Op == wire.Connect && json.Valid(conn.lastBody())
	})
}

func (c *quirkCase) compressed() bool {
	return c.anyConn(func(conn *modelConn) bool { return conn.s2 })
}

func (c *quirkCase) pinnedLate() bool {
	return c.anyConn(func(conn *modelConn) bool { return conn.state.pins && conn.state.early })
}

func (c *quirkCase) begun() bool { return c.m.begun }

func (c *quirkCase) blanksInKeys() bool {
	return c.anyConn(func(conn *modelConn) bool {
		for line := range bytes.Lines(conn.sent) {
			if len(line) < 4 {
				continue
			}
			switch line[0] &^ 0x20 {
			case 'R', 'L', 'H':
			default:
				continue
			}
			if bytes.Contains(line, []byte("  ")) || bytes.IndexByte(line, '\t') >= 0 || bytes.Contains(line, []byte(" \r")) || bytes.Contains(line, []byte(" \n")) {
				return true
			}
		}
		return false
	})
}

// weights looks at what stands last on lines of queue interest, where there is a message that may go to the group.
func (c *quirkCase) weights() bool {
	return c.messages() && c.anyConn(func(conn *modelConn) bool {
		for line := range bytes.Lines(conn.sent) {
			f := bytes.Fields(line)
			if len(f) < 4 || len(f[0]) != 3 || (f[0][0]|0x20 != 'r' && f[0][0]|0x20 != 'l') || f[0][2] != '+' {
				continue
			}
			if weight := f[len(f)-1]; len(weight) != 1 || weight[0] < '1' || weight[0] > '9' {
				return true
			}
		}
		return false
	})
}

// messages tells whether anybody sends one.
func (c *quirkCase) messages() bool {
	publishes := func(st gen.Step) bool { return st.Conn == gen.Client && strings.Contains(st.Message.Verb, "PUB") }
	return slices.ContainsFunc(c.seq.Steps, publishes) || c.anyConn(func(conn *modelConn) bool {
		return holdsWord(conn.sent, "MSG")
	})
}

// chance looks for queue groups with more than one member.
func (c *quirkCase) chance() bool {
	if !c.messages() {
		return false
	}
	members := map[string]int{}
	for i := range c.seq.Steps {
		st := &c.seq.Steps[i]
		if st.End || len(st.Message.Fields) < 3 {
			continue
		}
		f := st.Message.Fields
		switch verb := strings.ToUpper(st.Message.Verb); {
		case verb == "SUB" && st.Conn == gen.Client:
			members[strings.TrimSpace(f[1])] |= 1 << 7
		case st.Conn == gen.Client:
		case verb == "RS+" && len(f) == 4:
			members[strings.TrimSpace(f[2])] |= 1 << st.Conn
		case verb == "LS+" && len(f) == 5:
			members[strings.TrimSpace(f[3])] |= 1 << st.Conn
		}
	}
	for _, m := range members {
		if m&(m-1) != 0 {
			return true
		}
	}
	return false
}

// queueReturns looks for a route's message that names a group in which a route has a member.
func (c *quirkCase) queueReturns() bool {
	groups := map[string]bool{}
	for i := range c.seq.Steps {
		if f := c.seq.Steps[i].Message.Fields; strings.HasSuffix(c.seq.Steps[i].Message.Verb, "+") && len(f) >= 4 {
			groups[strings.TrimSpace(f[len(f)-2])] = true
		}
	}
	for i := range c.seq.Steps {
		if m := &c.seq.Steps[i].Message; strings.HasSuffix(strings.ToUpper(m.Verb), "MSG") {
			for _, f := range m.Fields {
				if groups[strings.TrimSpace(f)] {
					return true
				}
			}
		}
	}
	return false
}

func (c *quirkCase) oddSubjects() bool {
	return c.anyConn(func(conn *modelConn) bool {
		for _, odd := range []string{"$JS.", "_R_.", "$SYS.", "$LDS", "_INBOX", "$MQTT", "$NRG", "$GR.", "$G."} {
			if bytes.Contains(conn.sent, []byte(odd)) {
				return true
			}
		}
		return !c.t.dialect.Headers && (bytes.Contains(conn.sent, []byte("..")) || bytes.Contains(conn.sent, []byte(". ")) || bytes.Contains(conn.sent, []byte(" .")))
	})
}

// twoOfOne looks for pools, connections of one account, and ids that two connections have.
func (c *quirkCase) twoOfOne() bool {
	return c.anyConn(func(conn *modelConn) bool {
		return len(c.m.conns)+len(c.m.ended) > 1 && (conn.state.pool || conn.state.pins)
	})
}

// firstID looks for a name in CONNECT that is not the id in INFO, on servers before 2.2.
func (c *quirkCase) firstID() bool {
	return !c.t.dialect.Headers && c.anyConn(func(conn *modelConn) bool {
		return conn.state.registered && (conn.state.gateway || conn.state.otherName || conn.state.name != "" && conn.state.name != conn.state.id || conn.state.id == "")
	})
}

func (c *quirkCase) renamed() bool {
	return c.anyConn(func(conn *modelConn) bool { return conn.state.newsOfOld })
}

// behindAClose looks for connections that the machine closed, not the parser, and for which something followed.
func (c *quirkCase) behindAClose() bool {
	return c.anyConn(func(conn *modelConn) bool {
		return conn.said.closed && conn.fault == nil && int(conn.parser.Offset()) < len(conn.sent)-len(ping)
	})
}

func (c *quirkCase) accountMoves() bool {
	return c.anyConn(func(conn *modelConn) bool { return conn.state.moves })
}

// idsAgain looks for ids and names that are not this sequence's own, or that a connection of it had before.
func (c *quirkCase) idsAgain() bool {
	return c.anyConn(func(conn *modelConn) bool {
		s := &conn.state
		return s.registered && (s.again || !strings.Contains(s.id, c.env.Nonce) || s.serverName != "" && !strings.Contains(s.serverName, c.env.Nonce))
	})
}

func (c *quirkCase) halfPools() bool {
	return c.anyConn(func(conn *modelConn) bool { return conn.state.index && !conn.state.pool })
}
