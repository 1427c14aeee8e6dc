package spec

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/spec/report"
)

// gossipClients: what clients are told of the servers of the cluster.
func gossipClients(s *Suite) {
	It("adds the connect_urls of a peer that registers", s.Req("RT-GOS-007/added"), func(ctx SpecContext) {
		s.announced(ctx, s.Client(ctx))
	})

	It("takes the connect_urls back when the peer leaves", s.Req("RT-GOS-008/leaving"), func(ctx SpecContext) {
		c := s.Client(ctx)
		p, url := s.announced(ctx, c)
		p.Leave()
		s.awaitServers(ctx, c, "the connect_urls of a peer that has left are still announced", url.notIn)
	})

	It("takes the connect_urls back when the peer says ldm, and keeps the route", s.Req("RT-GOS-009/lame-duck"), func(ctx SpecContext) {
		c := s.Client(ctx)
		p, url := s.announced(ctx, c)
		info := p.OwnInfo()
		info.InfoBody.LameDuck = true
		s.Send(p, info)
		s.awaitServers(ctx, c, "the connect_urls of a peer in lame duck mode are still announced", url.notIn)
		s.ExpectOpen(ctx, p)
	})

	It("tells the target's own connect_urls beside those of peers", s.Req("RT-GOS-017/own-too"), func(ctx SpecContext) {
		c := s.Client(ctx)
		s.announced(ctx, c)
		infos := c.Infos()
		if len(infos) == 0 {
			s.NotApplicable("what the client is told cannot be read")
		}
		Expect(infos[len(infos)-1].ConnectURLs).To(ContainElements(s.Info().ConnectURLs), "connect_urls in the INFO that told a client of a peer's")
	})

	It("tells clients nothing that do not ask for it", s.Req("RT-GOS-018/protocol-0"), func(ctx SpecContext) {
		old := s.oldClient(ctx)
		c := s.Client(ctx)
		s.announced(ctx, c)
		s.announced(ctx, c) // when the second news is there the first has gone to all clients
		Expect(old.fence()).NotTo(ContainElement(HavePrefix("INFO")), "INFO to a client of protocol 0, behind the one that it was greeted with")
	})
}

// gossipCounted: connect_urls that come from several servers, or several times.
func gossipCounted(s *Suite) {
	It("keeps an address that another peer still announces", s.Req("RT-GOS-019/two-peers"), func(ctx SpecContext) {
		c := s.Client(ctx)
		first, url := s.announced(ctx, c)
		second := s.Join(ctx, "B", harness.WithInfo(func(i *wire.InfoBody) { i.ConnectURLs = []string{url.address} }))
		first.Leave()
		other := s.clientURL()
		s.rejoin(ctx, first, "C", harness.WithInfo(other.announce)) // the target has forgotten the first
		s.awaitServers(ctx, c, "the connect_urls of a peer that came back were not announced", other.in)
		Expect(c.Servers()).To(Satisfy(url.in), "an address that two peers had announced, when one of them is gone")
		second.Leave()
		s.awaitServers(ctx, c, "an address is still announced that two peers had announced, who are gone", url.notIn)
	})

	It("tells of connect_urls in a later INFO of a peer, or does not", s.Req("RT-GOS-020/later"), func(ctx SpecContext) {
		c := s.Client(ctx)
		p, url := s.announced(ctx, c)
		later, info := s.clientURL(), p.OwnInfo()
		later.announce(info.InfoBody)
		s.Send(p, info)
		s.Fence(ctx, p)
		s.announced(ctx, c)
		Expect([]bool{url.in(c.Servers()), later.in(c.Servers())}).To(ContainElement(true), "whether the former or the later address of the peer is announced")
		if later.in(c.Servers()) {
			s.Observe("told")
			return
		}
		s.Observe("not told")
	})
}

// clientURL is a client address that no other spec announces.
type clientURL struct{ host, address string }

// clientURL makes one of many loopback addresses.
func (s *Suite) clientURL() *clientURL {
	part := func() int { return 1 + s.Rand().IntN(250) }
	return &clientURL{host: fmt.Sprintf("127.%d.%d.%d", part(), part(), part())}
}

// announce edits a peer's INFO: the port is the peer's, where nothing listens.
func (u *clientURL) announce(i *wire.InfoBody) {
	u.address = fmt.Sprintf("%s:%d", u.host, i.Port)
	i.ConnectURLs = []string{u.address}
}

// in tells whether the address is among those that a client knows, with or without a scheme.
func (u *clientURL) in(servers []string) bool {
	return slices.ContainsFunc(servers, func(url string) bool { return url == u.address || strings.HasSuffix(url, "://"+u.address) })
}

func (u *clientURL) notIn(servers []string) bool { return !u.in(servers) }

// announced has a peer register with connect_urls and waits until c has been told of them.
//
// A server that is told not to advertise has no connect_urls in its own INFO and forwards none (seen 2.1.2, 2.15.2).
func (s *Suite) announced(ctx SpecContext, c *harness.Client) (*harness.Peer, *clientURL) {
	GinkgoHelper()
	if len(s.Info().ConnectURLs) == 0 {
		s.NotApplicable("the target advertises no client URLs")
	}
	url := s.clientURL()
	p := s.Join(ctx, "A", harness.WithInfo(url.announce))
	s.awaitServers(ctx, c, "the connect_urls of a peer that registered were not announced to a client", url.in)
	return p, url
}

// awaitServers waits until the URLs that the client has been told of are as wanted.
func (s *Suite) awaitServers(ctx SpecContext, c *harness.Client, why string, match func([]string) bool) {
	GinkgoHelper()
	servers, err := c.AwaitServers(ctx, match)
	if err != nil {
		s.failWith(report.Failure{Message: why, Got: "the client knows " + strings.Join(servers, ", ") + ": " + err.Error(), Offset: -1})
	}
}

// oldClient is a client of protocol 0: client libraries have long asked for more.
type oldClient struct {
	conn net.Conn
	in   *bufio.Reader
}

// oldClient connects one. Closing is deferred.
func (s *Suite) oldClient(ctx context.Context) *oldClient {
	GinkgoHelper()
	conn, where, err := s.target.DialClientPort(ctx)
	Expect(err).NotTo(HaveOccurred(), "no connection to the client port")
	DeferCleanup(conn.Close)
	if where.Scheme == "tls" {
		s.NotTested(report.NeedsClient)
	}
	connect := map[string]any{"verbose": false, "pedantic": false, "protocol": 0}
	if where.User != nil {
		password, _ := where.User.Password()
		connect["user"], connect["pass"] = where.User.Username(), password
	}
	text, _ := json.Marshal(connect) // strings and numbers always marshal
	_ = conn.SetDeadline(time.Now().Add(4 * s.Patience()))
	c := &oldClient{conn: conn, in: bufio.NewReader(conn)}
	_, _ = fmt.Fprintf(conn, "CONNECT %s\r\n", text)
	Expect(c.fence()).To(ContainElement("PONG"), "a client of protocol 0 was not answered")
	Expect(c.fence()).To(ContainElement("PONG"), "a client of protocol 0 was not answered")
	return c
}

// fence sends PING and returns the lines up to PONG, which is missing if the connection ended.
func (c *oldClient) fence() (lines []string) {
	_, _ = c.conn.Write([]byte("PING\r\n"))
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return lines
		}
		lines = append(lines, strings.TrimRight(line, "\r\n"))
		if strings.HasPrefix(line, "PONG") {
			return lines
		}
	}
}
