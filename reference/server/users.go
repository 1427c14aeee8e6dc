package server

import "crypto/subtle"

// users tells which account a client belongs to.
type users struct {
	byName   map[string]credential
	required bool // nobody is let in without credentials
}

type credential struct{ password, account string }

func newUsers(accounts map[string]User) users {
	u := users{byName: make(map[string]credential, len(accounts))}
	for account, user := range accounts {
		u.byName[user.Name] = credential{password: user.Password, account: account}
	}
	_, u.required = accounts[GlobalAccount]
	return u
}

// account returns the account of a client that said o in CONNECT; false: it is not let in.
func (u *users) account(o *clientOptions) (string, bool) {
	if len(u.byName) == 0 || o.User == "" && o.Password == "" {
		return GlobalAccount, !u.required
	}
	c, known := u.byName[o.User]
	same := subtle.ConstantTimeCompare([]byte(c.password), []byte(o.Password)) == 1
	return c.account, known && same
}
