package spec

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// registerWellFormed: the form of what the target sends. It is read again here from the raw bytes, by a grammar of its
// own, so that a mistake of package wire cannot hide a target's.
func registerWellFormed(s *Suite) {
	Describe("What the target sends", func() {
		sentByTheTarget(s)
		complaintsQuoted(s)
	})
}

// line is one operation of the target, read from raw bytes.
type line struct {
	offset  int
	raw     string   // without its line end
	end     string   // its line end: CR LF, or what stands there instead
	op      string   // name, upper case
	fields  []string // arguments; INFO, CONNECT and -ERR have one, the text
	payload string
	after   string // what follows the payload: CR LF, or what stands there instead
}

// argumentCounts says how many arguments an operation has: from, to. Messages have as many as queues fit.
var argumentCounts = map[string][2]int{
	"PING": {0, 0}, "PONG": {0, 0}, "+OK": {0, 0}, "INFO": {1, 1}, "CONNECT": {1, 1}, "-ERR": {1, 1},
	"RS+": {2, 4}, "RS-": {2, 3}, "RMSG": {3, 1000}, "HMSG": {4, 1000},
	"LS+": {3, 5}, "LS-": {2, 4}, "LMSG": {5, 1000},
}

// readLines reads a whole stream. The error says at which byte it stops being one of operations.
func readLines(stream []byte) ([]line, error) {
	var lines []line
	for at := 0; at < len(stream); {
		l, n, err := readLine(stream[at:])
		if err != nil {
			return lines, fmt.Errorf("byte %d: %w, in %s", at, err, harness.Printable(string(stream[at:min(len(stream), at+120)])))
		}
		l.offset = at
		lines = append(lines, l)
		at += n
	}
	return lines, nil
}

// readLine reads the operation that b begins with, and tells its length.
func readLine(b []byte) (line, int, error) {
	head, _, ended := bytes.Cut(b, []byte("\n"))
	if !ended {
		return line{}, 0, fmt.Errorf("a line without an end")
	}
	n := len(head) + 1
	l := line{raw: strings.TrimRight(string(head), "\r")}
	l.end = string(b[len(l.raw):n])
	name, text, _ := strings.Cut(strings.ReplaceAll(l.raw, "\t", " "), " ")
	l.op = strings.ToUpper(name)
	count, known := argumentCounts[l.op]
	if !known {
		return l, 0, fmt.Errorf("no operation begins with %s", harness.Printable(name))
	}
	l.fields = strings.Fields(text)
	if count == [2]int{1, 1} {
		l.fields = []string{strings.TrimSpace(text)}
	}
	if len(l.fields) < count[0] || len(l.fields) > count[1] || (l.op == "RS+" && len(l.fields) == 3) || (l.op == "LS+" && len(l.fields) == 4) {
		return l, 0, fmt.Errorf("%s with %d arguments", l.op, len(l.fields))
	}
	if err := l.check(); err != nil {
		return l, 0, err
	}
	if strings.HasSuffix(l.op, "MSG") {
		size, _ := strconv.Atoi(l.fields[len(l.fields)-1])
		if len(b) < n+size+2 {
			return l, 0, fmt.Errorf("%d bytes of payload announced, %d there", size, len(b)-n)
		}
		l.payload, l.after = string(b[n:n+size]), string(b[n+size:n+size+2])
		n += size + 2
	}
	return l, n, nil
}

var number = regexp.MustCompile(`^[0-9]{1,9}$`)

// numbers are the arguments that have to be numbers.
func (l *line) numbers() []string {
	n := len(l.fields)
	switch {
	case l.op == "RMSG", l.op == "RS+" && n == 4, l.op == "LS+" && n == 5:
		return l.fields[n-1:]
	case l.op == "HMSG", l.op == "LMSG":
		return l.fields[n-2:]
	}
	return nil
}

// check looks at the arguments: numbers, queue lists, JSON.
func (l *line) check() error {
	for _, text := range l.numbers() {
		if !number.MatchString(text) {
			return fmt.Errorf("%s with %s where a number belongs", l.op, harness.Printable(text))
		}
	}
	switch l.op {
	case "INFO", "CONNECT":
		var object map[string]any
		if err := json.Unmarshal([]byte(l.fields[0]), &object); err != nil {
			return fmt.Errorf("%s without a JSON object: %w", l.op, err)
		}
	case "RMSG", "HMSG", "LMSG":
		return l.checkRouting()
	}
	return nil
}

// checkRouting looks at what stands between a message's subject and its numbers: nothing, a reply, | and queues, or + and
// a reply and queues.
func (l *line) checkRouting() error {
	from := 2
	if l.op == "LMSG" {
		from = 3
	}
	routing := l.fields[from : len(l.fields)-len(l.numbers())]
	switch {
	case len(routing) <= 1 && !slices.Contains(routing, "+") && !slices.Contains(routing, "|"):
	case len(routing) >= 2 && routing[0] == "|":
	case len(routing) >= 3 && routing[0] == "+":
	default:
		return fmt.Errorf("%s with %s between subject and size: a reply, | queue ..., or + reply queue ... belongs there", l.op, harness.Printable(strings.Join(routing, " ")))
	}
	return nil
}

// canonical tells whether the line is written as servers write: name in upper case, single blanks, numbers without
// leading zeros. A server's own INFO ends in a blank.
func (l *line) canonical() bool {
	for _, text := range l.numbers() {
		if len(text) > 1 && text[0] == '0' {
			return false
		}
	}
	plain := strings.Join(append([]string{l.op}, l.fields...), " ")
	return l.raw == plain || l.op == "INFO" && l.raw == plain+" "
}

func sentByTheTarget(s *Suite) {
	It("parses under the strict grammar, to the last byte", s.Req("RT-OUT-001/grammar"), WithoutGrammar, func(ctx SpecContext) {
		for _, stream := range s.busy(ctx) {
			lines, err := readLines(stream)
			Expect(err).NotTo(HaveOccurred(), "the target's bytes, read by the grammar of this chapter")
			var ops []string
			for _, l := range lines {
				ops = append(ops, l.op)
			}
			Expect(ops).To(ContainElements("INFO", "PONG", "RS+", "RS-", "RMSG"), "the exchange is a busy one")
		}
	})

	s.everyLine("ends in CR LF", "RT-OUT-002/line-ends", func(l line) bool {
		return l.end == "\r\n" && (l.after == "\r\n" || l.after == "")
	})
	s.everyLine("is upper case, single blanks and plain numbers", "RT-OUT-003/canonical", func(l line) bool {
		return l.canonical()
	})
	s.everyLine("has no weight below 1", "RT-OUT-004/weights", func(l line) bool {
		weight := l.op == "RS+" && len(l.fields) == 4 || l.op == "LS+" && len(l.fields) == 5
		return !weight || strings.Trim(l.fields[len(l.fields)-1], "0") != ""
	})
	s.everyLine("has no leaf operation for a peer without leaf support", "RT-OUT-005/no-leaf", func(l line) bool {
		return !strings.HasPrefix(l.op, "L")
	})
}

// everyLine makes a spec that holds a rule against every line of a busy exchange.
func (s *Suite) everyLine(title, id string, kept func(line) bool) {
	It(title, s.Req(id), func(ctx SpecContext) {
		for _, stream := range s.busy(ctx) {
			lines, _ := readLines(stream) // what cannot be read is for RT-OUT-001
			Expect(lines).NotTo(BeEmpty())
			for _, l := range lines {
				if !kept(l) {
					s.failWith(report.Failure{
						Message:  "not every line of the target " + title,
						Expected: []string{title}, Got: l.raw + l.end, Offset: l.offset,
					})
				}
			}
		}
	})
}

// busy drives an exchange in which every operation of the core and many of their forms come from the target, and
// returns all that two peers received: A took part, B came later and knows no headers.
func (s *Suite) busy(ctx context.Context) [][]byte {
	GinkgoHelper()
	a, c, leaving := s.Join(ctx, "A"), s.witness(ctx), s.Client(ctx)
	s.Send(a,
		wire.NewSub(s.Account(), s.Subject("plain.*")),
		wire.NewQueueSub(s.Account(), s.Subject("jobs"), "q1", 3), wire.NewQueueSub(s.Account(), s.Subject("jobs"), "q2", 1),
		wire.NewQueueSub(s.Account(), s.Subject("job"), "q1", 1),
		wire.NewUnsub(s.Account(), s.Subject("unknown")))
	s.Fence(ctx, a)
	b := s.Join(ctx, "B", harness.WithoutHeaders())
	s.Send(b, wire.NewSub(s.Account(), s.Subject("plain.>")))
	s.Fence(ctx, b)

	By("clients subscribing, in groups that grow and shrink, one of them leaving")
	members := []*harness.Subscription{
		s.Subscribe(c, s.Subject("own.*")), s.QueueSubscribe(c, s.Subject("own.jobs"), "workers"), s.QueueSubscribe(c, s.Subject("own.jobs"), "workers"),
	}
	s.QueueSubscribe(leaving, s.Subject("own.jobs"), "workers")
	s.Subscribe(leaving, s.Subject("own.>"))
	s.Flush(ctx, leaving)
	leaving.Close()

	By("a client publishing in every form")
	for _, payload := range []string{"m", "", "PING\r\nRS+ $G x 0\r\n", strings.Repeat("long ", 10_000)} {
		for _, subject := range []string{"plain.a", "job", "jobs"} {
			s.Publish(c, s.Subject(subject), "", payload)
			s.Publish(c, s.Subject(subject), s.Subject("reply"), payload)
		}
	}
	if s.Info().Headers {
		Expect(c.PublishMsg(&nats.Msg{Subject: s.Subject("plain.h"), Header: nats.Header{"Key": {"value"}}, Data: []byte("m")})).To(Succeed())
		Expect(c.PublishMsg(&nats.Msg{Subject: s.Subject("jobs"), Reply: s.Subject("reply"), Header: nats.Header{"Key": {"value"}}})).To(Succeed())
	}
	s.Unsubscribe(members...)
	s.ClientToPeers(ctx, c, a, b)
	return [][]byte{received(a), received(b)}
}

// received is all that a peer has received; of what package wire could not read, the beginning.
func received(p *harness.Peer) []byte {
	var b []byte
	for _, seen := range p.Seen() {
		b = append(b, seen.Raw...)
	}
	var malformed *harness.MalformedError
	if errors.As(p.Malformed(), &malformed) {
		b = append(b, malformed.Near...)
	}
	return b
}

func complaintsQuoted(s *Suite) {
	It("has the text of -ERR in single quotes", s.Req("RT-OUT-006/quotes"), func(ctx SpecContext) {
		said, ok := told(s.complaining(ctx, "XYZZY\r\n"))
		if !ok {
			s.NotApplicable("the target closes without a word")
		}
		Expect(string(said.Raw)).To(MatchRegexp(`^-ERR '[^\r\n]+'\r\n$`))
	})
}
