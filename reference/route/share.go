package route

import (
	"fmt"
	"slices"
	"strings"

	"github.com/natsroute/natsroute/reference/wire"
)

// Share is what one account exports and another one imports: either a stream, messages that From publishes and To gets, or a service,
// which From answers and To asks. In To its subject begins with Prefix and a dot; an empty Prefix adds nothing.
//
// Shares are the same on every server of a cluster. On a route only From's subject is ever seen: who imports does the
// translating (seen 2.1.2 to 2.15.2).
type Share struct {
	From, To        string
	Stream, Service string // one of the two, perhaps with wildcards
	Prefix          string
}

// Validate says what is wrong with the share.
func (s Share) Validate() error {
	switch {
	case s.From == "" || s.To == "" || s.From == s.To:
		return fmt.Errorf("share from %q to %q: it needs two accounts", s.From, s.To)
	case (s.Stream == "") == (s.Service == ""):
		return fmt.Errorf("share from %q to %q: it is either a stream or a service", s.From, s.To)
	case !wire.ValidPattern([]byte(s.subject())):
		return fmt.Errorf("share from %q to %q: %q is no subject", s.From, s.To, s.subject())
	case s.Prefix != "" && !wire.ValidSubject([]byte(s.Prefix)):
		return fmt.Errorf("share from %q to %q: the prefix %q is no subject without wildcards", s.From, s.To, s.Prefix)
	}
	return nil
}

// subject is the pattern in From.
func (s Share) subject() string { return s.Stream + s.Service }

// imported is a subject of From as To sees it.
func (s Share) imported(subject string) string {
	if s.Prefix == "" {
		return subject
	}
	return s.Prefix + "." + subject
}

// exported is the reverse of imported, for a subject or pattern that begins with Prefix.
func (s Share) exported(subject string) string {
	return strings.TrimPrefix(strings.TrimPrefix(subject, s.Prefix), ".")
}

// validateShares says what is wrong with the shares among accounts; nil accounts are all there can be.
func validateShares(shares []Share, accounts []string) error {
	for _, s := range shares {
		if err := s.Validate(); err != nil {
			return err
		}
		for _, name := range []string{s.From, s.To} {
			if accounts != nil && name != globalAccount && !slices.Contains(accounts, name) {
				return fmt.Errorf("share from %q to %q: there is no account %q", s.From, s.To, name)
			}
		}
	}
	return nil
}

// shadow gives a new subscription of To its part of what From exports: a subscription in From, with the same id, for each stream
// that it wants some of. A leaf has no part in that.
func (n *Node) shadow(s *localSub) {
	if s.leaf != nil {
		return
	}
	for i := range n.cfg.Shares {
		share := &n.cfg.Shares[i]
		if share.To != s.account.name || share.Stream == "" {
			continue
		}
		pattern, ok := n.common(s.entry.pattern, share.imported(share.Stream))
		if !ok {
			continue
		}
		a := n.account(share.From)
		if a == nil {
			continue
		}
		other := &localSub{id: s.id, client: s.client, noEcho: s.noEcho, weight: 1, share: share}
		other.interest = interest{account: a, entry: a.entry(share.exported(pattern))}
		if s.group != nil {
			other.group = other.entry.group(s.group.queue)
		}
		s.shadows = append(s.shadows, other)
		n.begin(other)
	}
}

// common is what both patterns match. Servers of 2.1 want one to be a part of the other.
func (n *Node) common(wanted, offered string) (string, bool) {
	both, ok := intersect(strings.Split(wanted, "."), strings.Split(offered, "."))
	pattern := strings.Join(both, ".")
	if ok && !n.traits.partialImports && pattern != wanted && pattern != offered {
		return "", false
	}
	return pattern, ok
}

// intersect is the pattern of the subjects that match both x and y; false if there are none.
func intersect(x, y []string) ([]string, bool) {
	var both []string
	for i := 0; ; i++ {
		switch {
		case i == len(x) && i == len(y):
			return both, true
		case i == len(x), i == len(y):
			return nil, false
		case x[i] == ">":
			return append(both, y[i:]...), true
		case y[i] == ">":
			return append(both, x[i:]...), true
		case x[i] == "*", x[i] == y[i]:
			both = append(both, y[i])
		case y[i] == "*":
			both = append(both, x[i])
		default:
			return nil, false
		}
	}
}

// deliver hands a message to a local subscription: under To's subject where that imports it, or on its way back where it is the answer
// to a request.
func (n *Node) deliver(s *localSub, op *wire.Op) {
	switch {
	case s.answers:
		n.answer(op)
	case s.share != nil:
		mapped := n.out.op(op.Kind)
		queues := mapped.Queues
		*mapped = *op
		mapped.Queues = append(queues, op.Queues...)
		mapped.Subject = []byte(s.share.imported(string(op.Subject)))
		n.out.deliver(s, mapped)
	default:
		n.out.deliver(s, op)
	}
}
