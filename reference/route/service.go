package route

import (
	"bytes"
	"encoding/json"

	"github.com/natsroute/natsroute/reference/wire"
)

const (
	answerPrefix   = "_R_."
	answerToken    = 6       // characters of the two random tokens behind the prefix
	maxAnswers     = 1 << 16 // requests whose answer is waited for; after that the oldest is forgotten
	requestInfo    = "Nats-Request-Info"
	headerLine     = "NATS/1.0\r\n"
	answerAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// answers is what a node knows of the requests that it has taken from one account to another.
type answers struct {
	prefixes map[string]string  // by exporting account: the subjects below which its answers come
	waiting  map[string]request // by reply subject
	order    []string           // of waiting, and of what has been answered since; oldest first
	came     []Publish          // answers of the message being routed, on their way back
	chain    []*Share           // services that the message being routed has passed
}

// request is who waits for an answer, and where.
type request struct{ account, reply string }

// requests takes a message of a local client or leaf on to the services that it asks for. A message that came over a route
// has been taken there by the server that it came from.
func (n *Node) requests(ev *Publish) {
	for i := range n.cfg.Shares {
		share := &n.cfg.Shares[i]
		if share.To != ev.Account || share.Service == "" || n.account(share.From) == nil || !wire.Match([]byte(share.imported(share.Service)), ev.Subject) {
			continue
		}
		for _, passed := range n.answers.chain {
			if passed == share {
				return // in circles
			}
		}
		n.answers.chain = append(n.answers.chain, share)
		n.request(share, ev)
		n.answers.chain = n.answers.chain[:len(n.answers.chain)-1]
	}
}

// request publishes ev in the account that exports the service. The reply becomes a subject of that account, and the header block says who
// asks (2.5 and later).
func (n *Node) request(share *Share, ev *Publish) {
	asked := Publish{
		Client: ev.Client, Account: share.From, Subject: []byte(share.exported(string(ev.Subject))),
		HeaderSize: ev.HeaderSize, Payload: ev.Payload, imported: true,
	}
	if len(ev.Reply) > 0 {
		asked.Reply = n.expectAnswer(share, ev)
	}
	if n.cfg.Dialect.Headers {
		asked.addHeader(requestInfo, requester{Account: ev.Account})
	}
	before := len(n.out.actions)
	n.route(&asked)
	if len(n.out.actions) == before {
		delete(n.answers.waiting, string(asked.Reply)) // nobody is there to answer
	}
}

// expectAnswer returns the reply subject in share.From that leads back to ev's. Answers to an account's requests come below one prefix, in
// which we declare interest once, with the first request, for as long as we are there (seen 2.1.2 to 2.15.2).
func (n *Node) expectAnswer(share *Share, ev *Publish) []byte {
	if n.answers.prefixes == nil {
		n.answers.prefixes, n.answers.waiting = make(map[string]string), make(map[string]request)
	}
	prefix := n.answers.prefixes[share.From]
	if prefix == "" {
		prefix = answerPrefix + n.token() + "."
		n.answers.prefixes[share.From] = prefix
		a := n.account(share.From)
		n.begin(&localSub{interest: interest{account: a, entry: a.entry(prefix + ">")}, weight: 1, answers: true})
	}
	reply := prefix + n.token()
	n.answers.waiting[reply] = request{ev.Account, string(ev.Reply)}
	n.answers.order = append(n.answers.order, reply)
	if len(n.answers.order) > maxAnswers {
		delete(n.answers.waiting, n.answers.order[0])
		n.answers.order = n.answers.order[1:]
	}
	return []byte(reply)
}

func (n *Node) token() string {
	var b [answerToken]byte
	for i := range b {
		b[i] = answerAlphabet[n.rng.IntN(len(answerAlphabet))]
	}
	return string(b[:])
}

// answer notes that op is the answer to a request. There is one to each; what comes later reaches nobody.
func (n *Node) answer(op *wire.Op) {
	asked, waits := n.answers.waiting[string(op.Subject)]
	if !waits {
		return
	}
	delete(n.answers.waiting, string(op.Subject))
	n.answers.came = append(n.answers.came, Publish{
		Account: asked.account, Subject: []byte(asked.reply), HeaderSize: op.HeaderSize, Payload: op.Payload, imported: true,
	})
}

// giveAnswers publishes the answers that have come. One that a peer has brought goes to other peers with dialects that allow it
// (seen 2.12.15 to 2.15.2, not 2.1.2 to 2.10.27).
func (n *Node) giveAnswers(overRoute bool) {
	for len(n.answers.came) > 0 {
		ev := n.answers.came[0]
		n.answers.came = n.answers.came[1:]
		ev.local = overRoute && !n.traits.answersPassOn
		n.route(&ev)
	}
	n.answers.came = nil
}

// requester is the value of Nats-Request-Info. Servers add the round-trip time of the client, which we do not measure.
type requester struct {
	Account string `json:"acc"`
}

// addHeader puts a header line behind those of the block, in the place of one of the same name.
func (ev *Publish) addHeader(name string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // strings always marshal
	}
	block, data := ev.Payload[:ev.HeaderSize], ev.Payload[ev.HeaderSize:]
	lines := bytes.TrimSuffix(block, []byte("\r\n"))
	if ev.HeaderSize == 0 {
		lines = []byte(headerLine)
	}
	var payload []byte
	for line := range bytes.Lines(lines) {
		if !bytes.HasPrefix(line, []byte(name+":")) {
			payload = append(payload, line...)
		}
	}
	payload = append(payload, name+": "+string(text)+"\r\n\r\n"...)
	ev.HeaderSize = len(payload)
	ev.Payload = append(payload, data...)
}
