package route

import (
	"crypto/subtle"
	"encoding/json"

	"github.com/natsroute/natsroute/reference/wire"
)

// login is what a CONNECT says that stays where a later one leaves it out, or says null: servers decode each over the one before it, so that an empty string and
// false do not stay (seen 2.1.2 to 2.15.2).
type login struct {
	User    string `json:"user"`
	Pass    string `json:"pass"`
	Verbose bool   `json:"verbose"` // asks for +OK

	Export *wire.SubjectPermission `json:"export"` // of the last INFO, or of a CONNECT behind it
}

// over is what a connection has said of itself with op, a CONNECT, behind those before it.
func (l login) over(op *wire.Op) login {
	if l == (login{}) || op.Body == nil {
		body := op.ConnectBody
		return login{body.User, body.Pass, body.Verbose, rulesOf(body.Export).member()}
	}
	_ = json.Unmarshal(op.Body, &l) // the parser has read it
	return l
}

// accountHolds judges the account of a CONNECT, which is a matter of clients. Since 2.8 a route may neither name one nor want a new one (seen 2.8.4 to
// 2.15.2); before, it may name one that exists, and want a new one where it names none (seen 2.1.2, 2.5.0).
func (n *Node) accountHolds(body *wire.ConnectBody) bool {
	switch {
	case n.cfg.Dialect.Headers:
		return body.Account == "" && !body.AccountNew
	case body.Account == "":
		return true
	}
	return !body.AccountNew && n.accountExists([]byte(body.Account))
}

// areCredentials compares what a peer says with what we want: user and password, servers look at nothing else on a route.
func (n *Node) areCredentials(said *login) bool {
	same := subtle.ConstantTimeCompare([]byte(said.User), []byte(n.cfg.User)) & subtle.ConstantTimeCompare([]byte(said.Pass), []byte(n.cfg.Password))
	return !n.cfg.wantsCredentials() || same == 1
}
