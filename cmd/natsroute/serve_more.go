package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/natsroute/natsroute/reference/server"
)

// serveMore are the flags of `natsroute serve` for what a cluster's servers allow each other, for leafs and for the end.
type serveMore struct {
	LeafPort   int           `placeholder:"N" help:"Port for leafnodes; -1: any free port (default: none)."`
	Import     []string      `sep:"none" placeholder:"SUBJECT" help:"Cluster permissions: announce interest in these subjects only; repeatable."`
	ImportDeny []string      `sep:"none" placeholder:"SUBJECT" help:"Cluster permissions: do not announce interest in these; repeatable."`
	Export     []string      `sep:"none" placeholder:"SUBJECT" help:"Cluster permissions: take in interest of other servers in these subjects only; repeatable."`
	ExportDeny []string      `sep:"none" placeholder:"SUBJECT" help:"Cluster permissions: do not take in interest in these; repeatable."`
	Stream     []string      `sep:"none" placeholder:"FROM:TO:SUBJECT[:PREFIX]" help:"A stream that one account exports and another imports, there with PREFIX in front; repeatable."`
	Service    []string      `sep:"none" placeholder:"FROM:TO:SUBJECT[:PREFIX]" help:"A service that one account exports and another imports, there with PREFIX in front; repeatable."`
	Grace      time.Duration `name:"lame-duck-grace" placeholder:"DURATION" help:"Lame duck mode (SIGUSR2): before the first client is closed (default 1s)."`
	Duration   time.Duration `name:"lame-duck-duration" placeholder:"DURATION" help:"Lame duck mode: for closing all clients after that (default 1s)."`
}

// apply puts the flags into c.
func (m *serveMore) apply(c *server.Config) error {
	c.LeafPort, c.LameDuckGrace, c.LameDuckDuration = m.LeafPort, m.Grace, m.Duration
	if len(m.Import)+len(m.ImportDeny)+len(m.Export)+len(m.ExportDeny) > 0 {
		c.Permissions = &server.Permissions{
			Import: server.SubjectRules{Allow: m.Import, Deny: m.ImportDeny},
			Export: server.SubjectRules{Allow: m.Export, Deny: m.ExportDeny},
		}
	}
	for _, text := range m.Stream {
		share, err := parseShare(text)
		if err != nil {
			return err
		}
		share.Stream, share.Service = share.Service, ""
		c.Shares = append(c.Shares, share)
	}
	for _, text := range m.Service {
		share, err := parseShare(text)
		if err != nil {
			return err
		}
		c.Shares = append(c.Shares, share)
	}
	return nil
}

// parseShare reads FROM:TO:SUBJECT[:PREFIX] as a service.
func parseShare(text string) (server.Share, error) {
	part := strings.Split(text, ":")
	if len(part) < 3 || len(part) > 4 {
		return server.Share{}, usage("%q is no stream or service: write FROM:TO:SUBJECT or FROM:TO:SUBJECT:PREFIX", text)
	}
	share := server.Share{From: part[0], To: part[1], Service: part[2]}
	if len(part) == 4 {
		share.Prefix = part[3]
	}
	return share, nil
}

// serveUntilEnd returns when srv has ended: with ctx, or in lame duck mode.
func serveUntilEnd(ctx context.Context, srv *server.Server, p *process) error {
	lameDuck, stop := onLameDuck()
	defer stop()
	if address := srv.LeafAddr(); address != "" {
		fmt.Fprintf(p.stdout, "leaf port    %s\n", address)
	}
	select {
	case <-ctx.Done():
		return srv.Close()
	case <-lameDuck:
	}
	if err := srv.LameDuck(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil // by a signal, as without lame duck mode
}
