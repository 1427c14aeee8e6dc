package fault

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

var authFaults = []Fault{
	{
		Name: "auth-required-unsaid", Title: "does not say auth_required in INFO", Breaks: "RT-AUTH-001",
		FromServer: editInfo(func(_ *Link, info *wire.InfoBody) { info.AuthRequired = false }),
	},
	{
		Name: "right-password-refused", Title: "refuses the right password when it has been shown before", Breaks: "RT-AUTH-002",
		FromPeer: when(all(showsCredentials, func(l *Link, f Frame) bool { return l.repeated(f.Op.ConnectBody.Pass) }), refuseCredentials),
	},
	{
		Name: "password-unchecked", Title: "takes any password of the right user", Breaks: "RT-AUTH-003",
		FromPeer: forgive(func(said, right login) bool { return said.user == right.user && said.pass != "" }), FromServer: learnLogin,
	},
	{
		Name: "password-by-its-beginning", Title: "takes the beginning of the password for the password", Breaks: "RT-AUTH-003",
		FromPeer: forgive(func(said, right login) bool { return said.pass != "" && strings.HasPrefix(right.pass, said.pass) }), FromServer: learnLogin,
	},
	{
		Name: "password-case-folded", Title: "compares passwords without regard to case", Breaks: "RT-AUTH-003",
		FromPeer: forgive(func(said, right login) bool {
			return said.user == right.user && strings.EqualFold(said.pass, right.pass)
		}), FromServer: learnLogin,
	},
	{
		Name: "user-unchecked", Title: "takes the right password from any user", Breaks: "RT-AUTH-004",
		FromPeer: forgive(func(said, right login) bool { return said.user != "" && said.pass == right.pass }), FromServer: learnLogin,
	},
	{
		Name: "credentials-optional", Title: "takes in a peer without credentials", Breaks: "RT-AUTH-005",
		FromPeer: forgive(func(said, _ login) bool { return said == login{} }), FromServer: learnLogin,
	},
	{
		Name: "ping-answered-unauthenticated", Title: "answers PING before CONNECT", Breaks: "RT-AUTH-006",
		FromPeer: when(all(dialled, beforeConnect, is(wire.Ping)), func(l *Link, _ Frame) []Frame {
			l.ToPeer(frame(wire.NewPong()))
			return nil
		}),
	},
	{
		Name: "message-of-refused-delivered", Title: "delivers a message that came with a CONNECT which it refuses", Breaks: "RT-AUTH-007",
		FromPeer: both(noteLogin, when(op(isMessage), func(l *Link, f Frame) []Frame {
			for _, other := range l.Others() {
				if said, ok := l.said(); ok && other.Peer != nil && said != l.right() {
					other.ToServer(f)
					break
				}
			}
			return []Frame{f}
		})),
		FromServer: learnLogin,
	},
	{
		Name: "unauthenticated-kept", Title: "never closes a connection that does not authenticate", Breaks: "RT-AUTH-008",
		FromPeer: beforeConnectNoted,
		Ended:    func(l *Link, peer bool, held []byte) ([]byte, bool) { return held, !peer && l.Dialled && l.Kept == nil },
	},
	{
		Name: "token-accepted", Title: "takes the password for a token", Breaks: "RT-AUTH-009",
		FromPeer: forgive(func(said, right login) bool { return said == login{token: right.pass} }), FromServer: learnLogin,
	},
	{
		Name: "authenticated-closed", Title: "closes a peer at the end of the time for CONNECT though it has authenticated", Breaks: "RT-AUTH-010",
		FromPeer: when(all(dialled, is(wire.Connect)), func(l *Link, f Frame) []Frame {
			l.After(authTime, l.Close)
			return []Frame{f}
		}),
	},
	{
		Name: "second-connect-unchecked", Title: "does not look at the credentials in a second CONNECT", Breaks: "RT-AUTH-011",
		FromPeer: when(all(is(wire.Connect), func(l *Link, _ Frame) bool { return l.Peer != nil }), drop),
	},
	{
		Name: "odd-password-refused", Title: "refuses credentials with letters beyond ASCII", Breaks: "RT-AUTH-012",
		FromPeer: when(all(showsCredentials, op(func(op *wire.Op) bool { return !ascii(op.ConnectBody.User + op.ConnectBody.Pass) })), refuseCredentials),
	},
	{
		Name: "password-cut", Title: "compares passwords up to their 72nd byte", Breaks: "RT-AUTH-013",
		FromPeer: forgive(func(said, right login) bool {
			return len(said.pass) > passwordBound && len(right.pass) > passwordBound && said.pass[:passwordBound] == right.pass[:passwordBound]
		}),
		FromServer: learnLogin,
	},
	{
		Name: "violation-unsaid", Title: "refuses credentials without -ERR", Breaks: "RT-AUTH-014",
		FromServer: when(errorWith("authorization violation"), drop),
	},
	{
		Name: "auth-timeout-unsaid", Title: "closes without -ERR when the time for CONNECT is over", Breaks: "RT-AUTH-015",
		FromServer: when(errorWith("authentication timeout"), drop),
	},
	{
		Name: "interest-to-unauthenticated", Title: "announces interest on connections that have not authenticated", Breaks: "RT-AUTH-016",
		FromServer: when(is(wire.Sub), func(l *Link, f Frame) []Frame {
			for _, other := range l.Others() {
				if other.Dialled && other.Peer == nil {
					other.ToPeer(f)
				}
			}
			return []Frame{f}
		}),
	},
	{
		Name: "credentials-not-shown", Title: "shows no credentials to a gossiped server that wants some", Breaks: "RT-AUTH-017",
		FromServer: editConnect(func(_ *Link, c *wire.ConnectBody) { c.User, c.Pass = "", "" }),
	},
	{
		Name: "credentials-shown-in-ascii", Title: "shows credentials without their letters beyond ASCII", Breaks: "RT-AUTH-018",
		FromServer: editConnect(func(_ *Link, c *wire.ConnectBody) { c.User, c.Pass = inASCII(c.User), inASCII(c.Pass) }),
	},
	{
		Name: "credentials-shown-unasked", Title: "shows its credentials to a gossiped server that wants none", Breaks: "RT-AUTH-019",
		FromPeer: noteLogin, FromServer: both(learnLogin, editConnect(func(l *Link, c *wire.ConnectBody) {
			if right := l.right(); c.User == "" {
				c.User, c.Pass = right.user, right.pass
			}
		})),
	},
	{
		Name: "credentials-of-url-encoded", Title: "shows the credentials of a route's URL as they are encoded there", Breaks: "RT-AUTH-020",
		FromServer: editConnect(func(_ *Link, c *wire.ConnectBody) { c.Pass = strings.ReplaceAll(c.Pass, "/", "%2F") }),
	},
}

const (
	authTime      = 700 * time.Millisecond // less than servers of a run give for CONNECT
	passwordBound = 72                     // bytes
)

// login is what a CONNECT shows.
type login struct{ user, pass, token string }

func showsCredentials(l *Link, f Frame) bool {
	return l.Dialled && f.Op.Kind == wire.Connect && f.Op.ConnectBody.User != ""
}

func refuseCredentials(l *Link, _ Frame) []Frame {
	l.Refuse("Authorization Violation")
	return nil
}

// noteLogin remembers what a peer has shown. It uses Kept.
func noteLogin(l *Link, f Frame) []Frame {
	if c := f.Op.ConnectBody; f.Op.Kind == wire.Connect && l.Dialled {
		l.Kept = login{c.User, c.Pass, c.AuthToken}
	}
	return []Frame{f}
}

// said is what the peer has shown.
func (l *Link) said() (login, bool) {
	said, ok := l.Kept.(login)
	return said, ok
}

// learnLogin takes the first credentials that the server answers by PONG for the right ones.
func learnLogin(l *Link, f Frame) []Frame {
	if said, ok := l.said(); ok && f.Op.Kind == wire.Pong {
		l.Box().Keep(func(kept any) any {
			if kept == nil {
				return said
			}
			return kept
		})
	}
	return []Frame{f}
}

// right are the right credentials; empty: they are not known yet.
func (l *Link) right() login {
	right, _ := l.Box().Keep(func(kept any) any { return kept }).(login)
	return right
}

// forgive shows the server the right credentials in place of wrong ones that are picked.
func forgive(picked func(said, right login) bool) change {
	return both(noteLogin, editConnect(func(l *Link, c *wire.ConnectBody) {
		said, right := login{c.User, c.Pass, c.AuthToken}, l.right()
		if l.Dialled && right != (login{}) && picked(said, right) {
			c.User, c.Pass, c.AuthToken = right.user, right.pass, ""
			l.Kept = right
		}
	}))
}

// beforeConnectNoted sees that CONNECT has come. It uses Kept.
func beforeConnectNoted(l *Link, f Frame) []Frame {
	beforeConnect(l, f)
	return []Frame{f}
}

// errorWith picks an -ERR by words in its text.
func errorWith(words string) condition {
	return all(is(wire.Err), op(func(op *wire.Op) bool { return bytes.Contains(bytes.ToLower(op.Body), []byte(words)) }))
}

func ascii(s string) bool { return inASCII(s) == s }

func inASCII(s string) string {
	return string(slices.DeleteFunc([]rune(s), func(r rune) bool { return r >= 0x80 }))
}
