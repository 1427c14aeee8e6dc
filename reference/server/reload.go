package server

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/natsroute/natsroute/reference/route"
)

// reloadable are the members of Config that Reload takes on. Log and Trace stay as they are, whatever it says.
var reloadable = map[string]bool{
	"Permissions": true, "Accounts": true, "PinnedAccounts": true, "RouteUser": true, "RoutePassword": true, "Compression": true,
	"Routes": true, "LameDuckGrace": true, "LameDuckDuration": true, "Log": true, "Trace": true,
}

// announced is what Info says and Reload may change.
type announced struct {
	authRequired bool
	compression  string
}

func (s *settled) announced() *announced {
	return &announced{authRequired: s.RouteUser != "", compression: s.Compression}
}

// Reload takes on cfg while the server runs, as servers do on SIGHUP. What may change is:
//
//   - Permissions: peers get an INFO, and interest is announced and taken back as it is allowed now;
//   - RouteUser and RoutePassword: routes whose peer has dialled us and said something else are closed;
//   - Accounts: clients that do not belong to theirs any more are closed;
//   - PinnedAccounts: the connections of accounts are closed and, after peers have been told, opened;
//   - Compression: routes change their level, or are closed where S2 has to be agreed on anew;
//   - Routes: those that are gone are closed, new ones are dialled;
//   - LameDuckGrace and LameDuckDuration.
//
// All others must be those of the server, or zero where the server has generated or defaulted them: the error names one that is not. Then, or when
// the server does not run, nothing has changed.
func (s *Server) Reload(cfg Config) error {
	done := make(chan error, 1)
	taken := s.isStarted() && s.post(input{call: func(now time.Time) { done <- s.reload(now, cfg) }})
	if !taken {
		return errors.New("server: Reload of a server that does not run")
	}
	return <-done
}

// settleAnew is settle for a server that has its identity.
func (s *Server) settleAnew(cfg Config) (settled, error) {
	setDefault(&cfg.ServerID, s.cfg.ServerID)
	setDefault(&cfg.ServerName, s.cfg.ServerName)
	setDefault(&cfg.Seed, s.cfg.Seed)
	if s.cfg.clusterDynamic {
		setDefault(&cfg.Cluster, s.cfg.Cluster)
	}
	again, err := cfg.settle()
	if err != nil {
		return settled{}, err
	}
	again.clusterDynamic = s.cfg.clusterDynamic
	now, old := reflect.ValueOf(again.Config), reflect.ValueOf(s.cfg.Config)
	for i := range now.NumField() {
		name := now.Type().Field(i).Name
		if reloadable[name] {
			continue
		}
		if !reflect.DeepEqual(now.Field(i).Interface(), old.Field(i).Interface()) {
			return settled{}, fmt.Errorf("server: Reload cannot change %s: it stays as it was when the server started", name)
		}
	}
	return again, nil
}

// isStarted tells whether Start has succeeded.
func (s *Server) isStarted() bool {
	s.life.Lock()
	defer s.life.Unlock()
	return s.started
}

// reload is Reload in the loop.
func (s *Server) reload(now time.Time, anew Config) error {
	cfg, err := s.settleAnew(anew)
	if err != nil {
		return err
	}
	if err := s.nodeConfig(&cfg).Validate(); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	s.debugf(nil, "Reloaded server configuration")
	before := s.cfg.Accounts
	s.cfg.Permissions, s.cfg.Accounts, s.cfg.PinnedAccounts = cfg.Permissions, cfg.Accounts, cfg.PinnedAccounts
	s.cfg.RouteUser, s.cfg.RoutePassword, s.cfg.Compression = cfg.RouteUser, cfg.RoutePassword, cfg.Compression
	s.cfg.LameDuckGrace, s.cfg.LameDuckDuration = cfg.LameDuckGrace, cfg.LameDuckDuration
	s.cfg.Routes, s.cfg.routes = cfg.Routes, cfg.routes
	s.announced.Store(cfg.announced())
	s.users = newUsers(cfg.Accounts)
	for _, c := range s.clients {
		c.reviewAccount(now, before)
	}
	s.step(now, route.Reload{
		Permissions: cfg.Permissions, Accounts: cfg.accountNames(), User: cfg.RouteUser, Password: cfg.RoutePassword,
		PinnedAccounts: cfg.PinnedAccounts, Compression: cfg.Compression, Routes: s.nodeConfig(&cfg).Routes,
	})
	return nil
}

// reviewAccount closes a client that does not belong to its account any more: without a word where there is no such account
// (seen 2.1.2 to 2.15.2).
func (c *client) reviewAccount(now time.Time, before map[string]User) {
	if !c.admitted {
		return
	}
	account, ok := c.server.users.account(&c.options)
	_, was := before[c.account]
	_, is := c.server.cfg.Accounts[c.account]
	switch {
	case was && !is && c.account != GlobalAccount:
		c.close(now, "Account Removed")
	case !ok || account != c.account:
		c.refuse(now, c.options.User)
	}
}

// accountNames lists the accounts that there are.
func (s *settled) accountNames() []string {
	names := []string{GlobalAccount}
	for name := range s.Accounts {
		names = append(names, name)
	}
	return names
}
