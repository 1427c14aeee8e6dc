package route

import (
	"fmt"
	"slices"
	"strings"

	"github.com/natsroute/natsroute/reference/wire"
)

// Permissions are a cluster's permissions, of one server for all its routes. Messages of a peer are not filtered by them
// (seen 2.1.2 to 2.15.2).
type Permissions struct {
	Import SubjectRules // which local interest is announced
	Export SubjectRules // which interest of a peer counts
}

// SubjectRules say which subjects are allowed: those that one of Allow matches, all if it is empty, but none that one of Deny
// matches. The subject of interest is compared as it stands: its own wildcards are words, so that "a.*" and "a.>" pass "a.*",
// and "a.*" passes where "a.b" is denied (seen 2.1.2 to 2.15.2).
type SubjectRules struct{ Allow, Deny []string }

// Validate says which subject no server accepts.
func (p *Permissions) Validate() error {
	if p == nil {
		return nil
	}
	for _, subject := range slices.Concat(p.Import.Allow, p.Import.Deny, p.Export.Allow, p.Export.Deny) {
		if !wire.ValidPattern([]byte(subject)) {
			return fmt.Errorf("permissions: %q is no subject", subject)
		}
	}
	return nil
}

// clone returns what p stands for, with memory of its own; nil allows everything.
func (p *Permissions) clone() Permissions {
	if p == nil {
		return Permissions{}
	}
	return Permissions{Import: p.Import.clone(), Export: p.Export.clone()}
}

func (r SubjectRules) clone() SubjectRules {
	return SubjectRules{Allow: slices.Clone(r.Allow), Deny: slices.Clone(r.Deny)}
}

// member is how INFO says r; nil, which leaves the member out, where r allows everything.
func (r SubjectRules) member() *wire.SubjectPermission {
	if len(r.Allow) == 0 && len(r.Deny) == 0 {
		return nil
	}
	return &wire.SubjectPermission{Allow: r.Allow, Deny: r.Deny}
}

// rulesOf is the reverse of member.
func rulesOf(member *wire.SubjectPermission) SubjectRules {
	if member == nil {
		return SubjectRules{}
	}
	return SubjectRules{Allow: member.Allow, Deny: member.Deny}.clone()
}

// allows judges the subject of interest.
func (r SubjectRules) allows(subject []byte) bool {
	return (len(r.Allow) == 0 || matchesAny(r.Allow, subject)) && !r.denies(subject)
}

// denies tells whether subject is refused by name, rather than by not being allowed.
func (r SubjectRules) denies(subject []byte) bool { return matchesAny(r.Deny, subject) }

func matchesAny(patterns []string, subject []byte) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return wire.Match([]byte(p), subject) })
}

// mqttPrefix begins the subjects that servers keep for MQTT. They need no permission, but may be denied (2.11.17, 2.12.15).
const mqttPrefix = "$MQTT."

// equal tells whether p and q say the same.
func (p Permissions) equal(q Permissions) bool {
	return p.Import.equal(q.Import) && p.Export.equal(q.Export)
}

func (r SubjectRules) equal(q SubjectRules) bool {
	return slices.Equal(r.Allow, q.Allow) && slices.Equal(r.Deny, q.Deny)
}

// passes tells whether interest in subject passes r.
func (n *Node) passes(r SubjectRules, subject []byte) bool {
	if n.traits.mqttAllowed && strings.HasPrefix(string(subject), mqttPrefix) {
		return !r.denies(subject)
	}
	return r.allows(subject)
}

// imports tells whether local interest in subject is announced.
func (n *Node) imports(subject []byte) bool { return n.passes(n.permissions.Import, subject) }

// exports tells whether a peer's interest in subject counts.
func (n *Node) exports(subject []byte) bool { return n.passes(n.permissions.Export, subject) }

// peerPermissions takes up the permissions in a later INFO of c's peer. What it accepts only now is announced to it; what it
// accepts no longer it has dropped itself. Its first INFO causes nothing of the kind: all interest goes out, and is judged
// over there. A CONNECT between them says anew what it accepts, of which nothing is announced (both seen 2.1.2 to 2.15.2).
func (n *Node) peerPermissions(c *conn, body *wire.InfoBody) {
	before, now := rulesOf(c.said.Export), rulesOf(body.Export)
	c.said.Export = now.member()
	n.announceAll(c, func(subject []byte) bool {
		return now.allows(subject) && !before.allows(subject)
	})
}
