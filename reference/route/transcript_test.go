package route

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/natsroute/natsroute/reference/wire"
)

// TestTranscripts plays the conversations in testdata, one file for each chapter. The commands:
//
//	node [dialect=] [cluster=] [dynamic] [user= pass=] [routes=(…)] [accounts=(…)] [urls=(…)] [leaf_url=] [advertise=] [ping=] [pingmax=]
//	     [import=(…)] [import_deny=(…)] [export=(…)] [export_deny=(…)] [shares=(FROM/TO:stream:SUBJECT:PREFIX,…)]
//	     [pool=] [pinned=(…)] [compression=]   the pool is -1, none, unless told
//	accept conn= [ip=]       dialled conn= to= [account=]       failed to= [account=]       lost conn=       lameduck       shutdown
//	peer conn= id= [urls=(…)] [headers] [ip=]   accept, CONNECT and INFO, printing what the INFO causes
//	reload [user= pass=] [accounts=(…)] [import=(…)] [import_deny=(…)] [export=(…)] [export_deny=(…)] [pinned=(…)]
//	       [routes=(…)]  without routes= they stay
//	recv conn=               the bytes below, each line ended by CR LF; \t and \n stand for TAB and bare LF, $ANSWER for
//	                         the reply subject of the last request to a service, $REQUEST for that of a reload
//	sub id= subject= [account=] [queue=] [client=] [noecho] [weight=]      unsub ids=(…)
//	pub subject= [account=] [reply=] [client=] [header=N] [queues=(…)]     the payload below
//	leaf client= [cluster=] [headers]      leafgone client=
//	advance by=              lets virtual time pass, with a Tick at each deadline
//
// Output is one line for each action: "1 <- …" is sent to connection 1.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			s := &script{}
			datadriven.RunTest(t, file, s.run)
		})
	}
}

// script is one node with its parsers and its virtual clock.
type script struct {
	node       *Node
	dialect    wire.Dialect
	gated      bool
	start      time.Time
	now        time.Time
	parsers    map[ConnID]*wire.Parser
	dials      map[string]Dial
	answer     string // reply of the request that was sent last
	configured []Dial
	request    string // route_acc_add_reqid of the INFO that was sent last
	out        strings.Builder
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	s.out.Reset()
	switch d.Cmd {
	case "node":
		s.newNode(t, d)
	case "accept":
		s.accept(connArg(t, d), arg(d, "ip", "10.0.0.1"))
	case "peer":
		s.peer(t, d)
	case "dialled":
		id := connArg(t, d)
		open := s.dialect
		open.ConnectFirst = false
		s.parsers[id] = wire.NewParser(open)
		s.step(Dialled{Conn: id, Dial: s.dialOf(d)})
	case "failed":
		s.step(DialFailed{Dial: s.dialOf(d)})
	case "lost":
		s.step(Lost{Conn: connArg(t, d)})
	case "reload":
		s.step(Reload{
			Permissions: permissionsArg(d), Accounts: list(d, "accounts"), User: arg(d, "user", ""), Password: arg(d, "pass", ""),
			PinnedAccounts: list(d, "pinned"), Compression: arg(d, "compression", ""), Routes: s.routes(d),
		})
	case "lameduck":
		s.step(LameDuck{})
	case "shutdown":
		s.step(Shutdown{})
	case "recv":
		lines := strings.ReplaceAll(d.Input, "\n", "\r\n") + "\r\n"
		lines = strings.NewReplacer("$ANSWER", s.answer, "$REQUEST", s.request).Replace(lines)
		s.receive(connArg(t, d), strings.NewReplacer(`\t`, "\t", `\n`, "\n").Replace(lines))
	case "sub":
		s.step(Subscribe{
			Sub: SubID(number(t, d, "id")), Client: number(t, d, "client"), NoEcho: d.HasArg("noecho"),
			Account: arg(d, "account", "$G"), Subject: arg(d, "subject", ""), Queue: arg(d, "queue", ""),
			Weight: int(number(t, d, "weight")),
		})
	case "leaf":
		s.step(LeafJoined{Client: number(t, d, "client"), Account: "$G", Cluster: arg(d, "cluster", ""), Headers: d.HasArg("headers")})
	case "leafgone":
		s.step(LeafLeft{Client: number(t, d, "client")})
	case "unsub":
		var all UnsubscribeAll
		for _, text := range list(d, "ids") {
			id, _ := strconv.ParseUint(text, 10, 64)
			all.Subs = append(all.Subs, SubID(id))
		}
		if len(all.Subs) == 1 {
			s.step(Unsubscribe{Sub: all.Subs[0]})
		} else {
			s.step(all)
		}
	case "pub":
		var queues [][]byte
		for _, queue := range list(d, "queues") {
			queues = append(queues, []byte(queue))
		}
		s.step(Publish{
			Client: number(t, d, "client"), Account: arg(d, "account", "$G"), Subject: []byte(arg(d, "subject", "")),
			Reply: []byte(arg(d, "reply", "")), HeaderSize: int(number(t, d, "header")), Payload: []byte(d.Input), Queues: queues,
		})
	case "advance":
		s.advance(t, arg(d, "by", ""))
	default:
		d.Fatalf(t, "unknown command")
	}
	if s.out.Len() == 0 {
		return "nothing\n"
	}
	return s.out.String()
}

func (s *script) newNode(t *testing.T, d *datadriven.TestData) {
	dialect, err := wire.DialectByName(arg(d, "dialect", "srv-2.15"))
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	cfg := Config{
		ID: "T", Name: arg(d, "name", ""), Cluster: arg(d, "cluster", "C1"), ClusterDynamic: d.HasArg("dynamic"),
		Version: "2.15.2", Host: "10.0.0.9", Port: 6222, Advertise: arg(d, "advertise", ""), ClientURLs: list(d, "urls"), LeafURL: arg(d, "leaf_url", ""),
		MaxPayload: 1 << 20, Dialect: dialect, User: arg(d, "user", ""), Password: arg(d, "pass", ""),
		PingMax: int(number(t, d, "pingmax")), Accounts: list(d, "accounts"), Permissions: permissionsArg(d),
		Shares: sharesArg(t, d),
	}
	cfg.PoolSize, _ = strconv.Atoi(arg(d, "pool", "-1"))
	cfg.PinnedAccounts = list(d, "pinned")
	cfg.Compression = arg(d, "compression", "")
	if d.HasArg("ping") {
		cfg.PingInterval, _ = time.ParseDuration(arg(d, "ping", ""))
	}
	s.configured = nil
	cfg.Routes = s.routes(d)
	node, err := New(cfg)
	if err != nil {
		fmt.Fprintln(&s.out, err)
		return
	}
	s.node, s.dialect, s.gated = node, dialect, dialect.ConnectFirst || cfg.User != ""
	s.start = time.Unix(1_000_000, 0)
	s.now = s.start
	s.parsers, s.dials = map[ConnID]*wire.Parser{}, map[string]Dial{}
	s.step(Tick{})
}

// dialOf is the dial that a command answers.
func (s *script) dialOf(d *datadriven.TestData) Dial {
	return s.dials[arg(d, "to", "")+" "+arg(d, "account", "")]
}

// routes are those of a node or a reload: as they were unless the line says others.
func (s *script) routes(d *datadriven.TestData) []Dial {
	if d.HasArg("routes") {
		s.configured = nil
		for _, r := range list(d, "routes") {
			s.configured = append(s.configured, Dial{Address: r})
		}
	}
	return s.configured
}

func (s *script) accept(id ConnID, ip string) {
	gated := s.dialect
	gated.ConnectFirst = s.gated
	s.parsers[id] = wire.NewParser(gated)
	s.step(Accepted{Conn: id, IP: ip})
}

func (s *script) peer(t *testing.T, d *datadriven.TestData) {
	id, name := connArg(t, d), arg(d, "id", "")
	s.accept(id, arg(d, "from", "10.0.0.1"))
	s.out.Reset()
	connect := wire.NewConnect(&wire.ConnectBody{Name: name, Cluster: s.node.cluster, User: s.node.cfg.User, Pass: s.node.cfg.Password})
	info := wire.NewInfo(&wire.InfoBody{
		ServerID: name, Cluster: s.node.cluster, Host: "10.0.0.8", Port: 6200 + int(id), IP: arg(d, "ip", ""),
		Headers: d.HasArg("headers"), LNOC: d.HasArg("lnoc"), LNOCU: d.HasArg("lnocu"), LN: d.HasArg("ln"),
		ConnectURLs: list(d, "urls"), GossipMode: uint8(number(t, d, "gossip_mode")),
	})
	s.receive(id, string(info.AppendTo(connect.AppendTo(nil))))
}

// receive steps each operation before the parser reads the next one.
func (s *script) receive(id ConnID, text string) {
	p := s.parsers[id]
	p.Feed([]byte(text))
	for s.parsers[id] != nil {
		var op wire.Op
		switch err := p.Next(&op); err {
		case nil:
			s.step(Received{Conn: id, Op: &op})
		case wire.ErrNeedMore:
			return
		default:
			s.step(Malformed{Conn: id, Err: err})
			return
		}
	}
}

func (s *script) advance(t *testing.T, by string) {
	d, err := time.ParseDuration(by)
	if err != nil {
		t.Fatal(err)
	}
	end := s.now.Add(d)
	for {
		due, ok := s.node.Deadline()
		if !ok || due.After(end) {
			break
		}
		s.now = due
		s.step(Tick{})
	}
	s.now = end
}

// step steps the node and prints its actions; a Tick's with the virtual time since the start.
func (s *script) step(ev Event) {
	at := ""
	if _, ok := ev.(Tick); ok && s.now != s.start {
		at = s.now.Sub(s.start).String() + "  "
	}
	for _, a := range s.node.Step(s.now, ev) {
		fmt.Fprintln(&s.out, at+s.show(a))
	}
}

func (s *script) show(a Action) string {
	switch a.Kind {
	case Send:
		if a.Op.InfoBody != nil && a.Op.InfoBody.RouteAccReqID != "" {
			s.request = a.Op.InfoBody.RouteAccReqID
		}
		if bytes.HasPrefix(a.Op.Reply, []byte(answerPrefix)) {
			s.answer = string(a.Op.Reply)
		}
		return fmt.Sprintf("%d <- %s", a.Conn, showOp(a.Op))
	case Deliver:
		return fmt.Sprintf("sub %d gets %s", a.Sub, showOp(a.Op))
	case Close:
		delete(s.parsers, a.Conn)
		return fmt.Sprintf("%d closed: %s", a.Conn, a.Reason)
	case StartDial:
		s.dials[a.Dial.Address+" "+a.Dial.Account] = a.Dial
		text := "dial " + a.Dial.Address
		if a.Dial.User != "" {
			text += " as " + a.Dial.User + ":" + a.Dial.Password
		}
		if a.Dial.RemoteID != "" {
			text += " for " + a.Dial.RemoteID
		}
		if a.Dial.Account != "" {
			text += " in account " + a.Dial.Account
		}
		return text
	case SetMode:
		s.parsers[a.Conn].SetMode(a.Mode)
		return fmt.Sprintf("%d mode %+v", a.Conn, a.Mode)
	case SendLeaf:
		return fmt.Sprintf("leaf %d <- %s", a.Leaf, showOp(a.Op))
	case StartS2:
		return fmt.Sprintf("%d goes on in %s", a.Conn, a.Level)
	case ClientInfo:
		return fmt.Sprintf("clients can connect to %v", a.URLs)
	}
	return fmt.Sprintf("unknown action %d", a.Kind)
}

// showOp prints an operation in short: of INFO and CONNECT the members that matter to a transcript.
func showOp(op *wire.Op) string {
	var b strings.Builder
	flag := func(name string, on bool) {
		if on {
			b.WriteString(" " + name)
		}
	}
	value := func(name string, v any) {
		if text := fmt.Sprint(v); text != "" && text != "0" && text != "[]" && text != "{[] []}" {
			b.WriteString(" " + name + "=" + text)
		}
	}
	switch op.Kind {
	case wire.Info:
		i := op.InfoBody
		value("server_id", i.ServerID)
		value("server_name", i.ServerName)
		value("proto", i.Proto)
		value("host", i.Host)
		value("port", i.Port)
		value("ip", i.IP)
		value("cluster", i.Cluster)
		flag("cluster_dynamic", i.ClusterDynamic)
		flag("auth_required", i.AuthRequired)
		flag("headers", i.Headers)
		flag("lnoc", i.LNOC)
		flag("lnocu", i.LNOCU)
		flag("ln", i.LN)
		flag("nonce", i.Nonce != "")
		flag("ldm", i.LameDuck)
		value("import", rulesOf(i.Import))
		value("export", rulesOf(i.Export))
		value("gossip_mode", i.GossipMode)
		value("connect_urls", i.ConnectURLs)
		value("leafnode_urls", i.LeafNodeURLs)
		flag("route_acc_add_reqid", i.RouteAccReqID != "")
		value("compression", i.Compression)
		value("route_pool_size", i.RoutePoolSize)
		value("route_pool_idx", i.RoutePoolIndex)
		value("route_account", i.RouteAccount)
	case wire.Connect:
		c := op.ConnectBody
		value("name", c.Name)
		value("user", c.User)
		value("pass", c.Pass)
		value("cluster", c.Cluster)
		flag("cluster_dynamic", c.ClusterDynamic)
		flag("echo", c.Echo)
		flag("headers", c.Headers)
		flag("lnoc", c.LNOC)
		flag("ln", c.LN)
	default:
		return strings.TrimSuffix(strings.ReplaceAll(string(op.AppendTo(nil)), "\r\n", "|"), "|")
	}
	return op.Kind.String() + b.String()
}

// sharesArg reads shares=(FROM/TO:stream:SUBJECT:PREFIX,FROM/TO:service:SUBJECT).
func sharesArg(t *testing.T, d *datadriven.TestData) (shares []Share) {
	for _, text := range list(d, "shares") {
		part := strings.FieldsFunc(text, func(r rune) bool { return r == '/' || r == ':' })
		if len(part) < 4 {
			d.Fatalf(t, "%s is no share", text)
		}
		s := Share{From: part[0], To: part[1]}
		if part[2] == "stream" {
			s.Stream = part[3]
		} else {
			s.Service = part[3]
		}
		if len(part) > 4 {
			s.Prefix = part[4]
		}
		shares = append(shares, s)
	}
	return shares
}

func permissionsArg(d *datadriven.TestData) *Permissions {
	return &Permissions{
		Import: SubjectRules{Allow: list(d, "import"), Deny: list(d, "import_deny")},
		Export: SubjectRules{Allow: list(d, "export"), Deny: list(d, "export_deny")},
	}
}

func arg(d *datadriven.TestData, key, def string) string {
	for _, a := range d.CmdArgs {
		if a.Key == key && len(a.Vals) > 0 {
			return a.Vals[0]
		}
	}
	return def
}

func list(d *datadriven.TestData, key string) []string {
	for _, a := range d.CmdArgs {
		if a.Key == key {
			return a.Vals
		}
	}
	return nil
}

func number(t *testing.T, d *datadriven.TestData, key string) uint64 {
	text := arg(d, key, "0")
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		d.Fatalf(t, "%s=%s is not a number", key, text)
	}
	return v
}

func connArg(t *testing.T, d *datadriven.TestData) ConnID { return ConnID(number(t, d, "conn")) }
