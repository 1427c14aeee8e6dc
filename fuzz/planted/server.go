package planted

// serverFaults are mistakes in reference/server.
var serverFaults = []Patch{
	{
		Name: "wrong-cluster-left-open", File: "reference/server/loop.go", Oracle: Answer, Targets: []string{Live},
		Find:    "c.close(a.Reason)",
		Replace: "if a.Reason != route.ClusterNameConflict {\n\t\t\t\t\tc.close(a.Reason)\n\t\t\t\t}",
		Notice:  "a peer of another cluster is told so, and its connection stays open",
	},
	{
		Name: "silent-close-never", File: "reference/server/link.go", Oracle: Answer, Targets: []string{Live},
		Find:    "of a write that began before\n\t}\n\tl.wake.Signal()",
		Replace: "of a write that began before\n\t}",
		Notice:  "a close with nothing left to write does not wake the writer, which is to close the socket",
	},
	{
		Name: "reply-lost-for-queues", File: "reference/server/subscription.go", Oracle: Delivery, Targets: []string{Live},
		Find:    "if len(op.Reply) > 0 {\n\t\tout",
		Replace: "if len(op.Reply) > 0 && len(op.Queues) == 0 {\n\t\tout",
		Notice:  "the reply of an RMSG with a queue list does not reach the client",
	},
	{
		Name: "empty-payload-unterminated", File: "reference/server/subscription.go", Oracle: Delivery, Targets: []string{Live},
		Find:    "out = append(append(out, payload...), \"\\r\\n\"...)\n\tc.link.out = out",
		Replace: "if len(payload) > 0 {\n\t\tout = append(append(out, payload...), \"\\r\\n\"...)\n\t}\n\tc.link.out = out",
		Notice:  "MSG with an empty payload lacks the CR LF behind it",
	},
	{
		Name: "pongs-merged", File: "reference/server/route_conn.go", Oracle: Answer, Targets: []string{Live},
		Find:    "\tc.link.out = op.AppendTo(c.link.out)\n",
		Replace: "\tif op.Kind == wire.Pong && strings.HasSuffix(string(c.link.out), \"PONG\\r\\n\") {\n\t\treturn\n\t}\n\tc.link.out = op.AppendTo(c.link.out)\n",
		Notice:  "two PINGs in one read have one PONG",
	},
	{
		Name: "mode-not-passed-on", File: "reference/server/loop.go", Oracle: Answer, Targets: []string{Live},
		Find:    "c.parser.SetMode(a.Mode)",
		Replace: "_ = a.Mode",
		Notice:  "the parser does not hear that a connection is pinned, or that LS- has an origin",
	},
	{
		Name: "dial-in-the-loop", File: "reference/server/route_conn.go", Oracle: Hang, Targets: []string{Live},
		Find:    "\ts.spawn(func() {\n\t\tdialer :=",
		Replace: "\tfunc(dial func()) { dial() }(func() {\n\t\tdialer :=",
		Notice:  "news of a third server: its dial is made in the goroutine that has to take the outcome",
	},
	{
		Name: "lock-kept", File: "reference/server/link.go", Oracle: Hang, Targets: []string{Live},
		Find:    "waiting := l.queue.size\n\tl.mu.Unlock()",
		Replace: "waiting := l.queue.size\n\tif waiting < 4<<10 {\n\t\tl.mu.Unlock()\n\t}",
		Notice:  "a lock is not given back when 4 KiB of output wait",
	},
	{
		Name: "eight-operations-a-read", File: "reference/server/route_conn.go", Oracle: Crash, Targets: []string{Live},
		Find:    "\tfor !c.link.closed {\n\t\terr := c.parser.Next(&c.op)",
		Replace: "\tfor n := 0; !c.link.closed && n < 8; n++ {\n\t\terr := c.parser.Next(&c.op)",
		Notice:  "the ninth operation of one read is not read, and the parser is fed anew",
	},
	{
		Name: "output-written-over", File: "reference/server/queue.go", Oracle: Delivery, Targets: []string{Live},
		Find:    "return q.spare(len(out))",
		Replace: "return out[:0]",
		Notice:  "output is produced into the buffer that is being written",
	},
	{
		Name: "size-without-header", File: "reference/server/subscription.go", Oracle: Delivery, Targets: []string{Live},
		Find:    "strconv.AppendInt(out, int64(len(payload)), 10)",
		Replace: "strconv.AppendInt(out, int64(len(payload)-header), 10)",
		Notice:  "the total size of an HMSG to a client leaves the header block out",
	},
	{
		Name: "payload-cut", File: "reference/server/subscription.go", Oracle: Delivery, Targets: []string{Live},
		Find:    "header, payload := op.HeaderSize, op.Payload",
		Replace: "header, payload := op.HeaderSize, op.Payload[:min(len(op.Payload), 4000)]",
		Notice:  "a client gets the first 4000 bytes of a message and no more",
	},
	{
		Name: "loss-not-told", File: "reference/server/route_conn.go", Oracle: Delivery, Targets: []string{Live},
		Find:    "\tc.server.step(now, route.Lost{Conn: c.id})\n",
		Replace: "\t_ = now\n",
		Notice:  "the machine keeps the routes and the interest of peers that have hung up",
	},
	{
		Name: "two-routes-at-most", File: "reference/server/route_conn.go", Oracle: Answer, Targets: []string{Live},
		Find:    "\tc := s.addRoute(conn, s.cfg.Dialect)",
		Replace: "\tif len(s.routes) >= 2 {\n\t\tconn.Close()\n\t\treturn\n\t}\n\tc := s.addRoute(conn, s.cfg.Dialect)",
		Notice:  "a third connection at a time is closed without INFO",
	},
	{
		Name: "one-id-for-all-routes", File: "reference/server/route_conn.go", Oracle: Answer, Targets: []string{Live},
		Find:    "\ts.lastID++\n\tc := &routeConn{",
		Replace: "\tc := &routeConn{",
		Notice:  "two routes at a time have one number: what is meant for one goes to the other",
	},
	{
		Name: "long-subject", File: "reference/server/subscription.go", Oracle: Crash, Targets: []string{Live},
		Find:    "\tout = append(append(out, op.Subject...), ' ')",
		Replace: "\tvar subject [256]byte\n\tcopy(subject[:len(op.Subject)], op.Subject)\n\tout = append(append(out, subject[:len(op.Subject)]...), ' ')",
		Notice:  "a buffer of 256 bytes has to hold the subject of a message to a client",
	},
	{
		Name: "accept-pauses", File: "reference/server/listen.go", Oracle: Hang, Targets: []string{Live},
		Find:    "\t\tpause = minAcceptPause\n\t\tif",
		Replace: "\t\ts.pause(pause)\n\t\tpause = min(2*pause, maxAcceptPause)\n\t\tif",
		Notice:  "the accept loop waits longer and longer between connections",
	},
	{
		Name: "slow-consumer-at-once", File: "reference/server/link.go", Oracle: Delivery, Targets: []string{Live},
		Find:    "if waiting > l.server.cfg.MaxPending {",
		Replace: "if waiting > maxClientLine {",
		Notice:  "a client is dropped as a slow consumer when a message of 4 KiB waits for it",
	},
	{
		Name: "sid-not-freed", File: "reference/server/subscription.go", Oracle: Delivery, Targets: []string{Live},
		Find:    "delete(sub.client.subs, sub.sid)",
		Replace: "_ = sub.sid",
		Notice:  "a client that uses the sid of a subscription again that it has ended gets nothing on it",
	},
	{
		Name: "unsub-not-told", File: "reference/server/subscription.go", Oracle: Interest, Targets: []string{Live},
		Find:    "s.deferred = append(s.deferred, route.Unsubscribe{Sub: sub.id})",
		Replace: "_ = route.Unsubscribe{Sub: sub.id}",
		Notice:  "the machine does not hear of UNSUB: peers get no RS-",
	},
}
