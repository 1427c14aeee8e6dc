package planted

// machineFaults are mistakes in reference/route.
var machineFaults = []Patch{
	{
		Name: "queue-kept-after-unsub", File: "reference/route/remote.go", Oracle: Delivery, Targets: []string{"Session", "PeerPair"},
		Find:    "delete(c.interest, c.key(op))\n\t\tn.dropRemote(s)",
		Replace: "delete(c.interest, c.key(op))\n\t\tif s.group == nil {\n\t\t\tn.dropRemote(s)\n\t\t}",
		Notice:  "RS- of a queue ends nothing: messages go on to the peer",
	},
	{
		Name: "lookup-stale-for-queues", File: "reference/route/interest.go", Oracle: Delivery, Targets: []string{"Session", "PeerPair"},
		Find:    "delete(a.cache, e.pattern)",
		Replace: "if g == nil {\n\t\t\tdelete(a.cache, e.pattern)\n\t\t}",
		Notice:  "what was looked up for a subject is kept although a queue group has changed",
	},
	{
		Name: "lookup-stale-for-wildcards", File: "reference/route/interest.go", Oracle: Delivery, Targets: []string{"Session", "PeerPair"},
		Find:    "case e.wild:\n\t\tclear(a.cache)",
		Replace: "case e.wild:\n\t\tdelete(a.cache, e.pattern)",
		Notice:  "what was looked up for a subject is kept although a wildcard that matches it has come or gone",
	},
	{
		Name: "weight-always-one", File: "reference/route/subscribe.go", Oracle: Interest, Targets: []string{"Session", "PeerPair"},
		Find:    "op := interestOp(&n.out, i, int64(members))",
		Replace: "op := interestOp(&n.out, i, int64(min(members, 1)))",
		Notice:  "RS+ of a queue says weight 1 however many members there are",
	},
	{
		Name: "weight-not-updated", File: "reference/route/subscribe.go", Oracle: Interest, Targets: []string{"Session", "PeerPair"},
		Find:    "if i.group == nil && (begun && members != 1 || !begun && members != 0) {",
		Replace: "if begun && members != 1 || !begun && members != 0 {",
		Notice:  "no RS+ tells of the second member of a queue group",
	},
	{
		Name: "second-hop", File: "reference/route/deliver.go", Oracle: Delivery, Targets: []string{"Session", "PeerPair"},
		Find:    "\tr := n.find(a, op.Subject)\n",
		Replace: "\tr := n.find(a, op.Subject)\n\tfor _, other := range r.routes {\n\t\tif other != c {\n\t\t\tn.out.send(other, op)\n\t\t}\n\t}\n",
		Notice:  "a message from one route goes on to another one",
	},
	{
		Name: "queue-named-twice", File: "reference/route/deliver.go", Oracle: Delivery, Targets: []string{"Session"},
		Find:    "if g == nil || g.stamp == n.stamp {",
		Replace: "if g == nil {",
		Notice:  "a queue that an RMSG names twice gets the message twice",
	},
	{
		Name: "one-message-for-each-queue", File: "reference/route/deliver.go", Oracle: Delivery, Targets: []string{"Session", "PeerPair"},
		Find:    "if c.stamp != n.stamp {",
		Replace: "if c.stamp != n.stamp || len(c.msg.Queues) > 0 {",
		Notice:  "two queue groups on one route: one of them gets the message twice, the other one none",
	},
	{
		Name: "echo", File: "reference/route/deliver.go", Oracle: Delivery, Targets: []string{Live},
		Find:    "if (!s.noEcho || s.client != ev.Client) && !(ev.imported && s.share != nil) {",
		Replace: "if !(ev.imported && s.share != nil) {",
		Notice:  "a client that wants no echo gets its own message",
	},
	{
		Name: "size-with-header", File: "reference/route/deliver.go", Oracle: Delivery, Targets: []string{"Session", "PeerPair"},
		Find:    "op.Size = len(op.Payload)",
		Replace: "op.Size = len(ev.Payload)",
		Notice:  "RMSG to a peer without headers announces the size with the header block that was cut off",
	},
	{
		Name: "ping-before-info", File: "reference/route/state.go", Oracle: Answer, Targets: []string{"Session"},
		Find:    "inPing:       {answerPing, connected},",
		Replace: "inPing:       {ignore, connected},",
		Notice:  "PING between CONNECT and INFO has no PONG",
	},
	{
		Name: "err-before-info-survived", File: "reference/route/state.go", Oracle: Answer, Targets: []string{"Session"},
		Find:    "inNoise:      {ignore, connected},\n\t\tinErr:        {hangUp, closed},",
		Replace: "inNoise:      {ignore, connected},\n\t\tinErr:        {ignore, connected},",
		Notice:  "-ERR between CONNECT and INFO does not end the connection",
	},
	{
		Name: "self-as-acceptor", File: "reference/route/handshake.go", Oracle: Answer, Targets: []string{"Session"},
		Find:    "case body.ServerID == n.cfg.ID:\n\t\tn.endLinks(c)",
		Replace: "case body.ServerID == n.cfg.ID && !c.acceptor:\n\t\tn.endLinks(c)",
		Notice:  "a peer with our own server id is accepted as a route",
	},
	{
		Name: "duplicate-without-pool", File: "reference/route/pool.go", Oracle: Answer, Targets: []string{"Session"},
		Find:    "if old := r.pool[c.index]; old != nil {",
		Replace: "if old := r.pool[c.index]; old != nil && !c.noPool {",
		Notice:  "a second route of one server without a pool takes the place of the first",
	},
	{
		Name: "half-route-leaves-interest", File: "reference/route/conn.go", Oracle: Delivery, Targets: []string{"Session"},
		Find:    "\tn.dropInterest(c)\n\tif was == registered {",
		Replace: "\tif was == registered {\n\t\tn.dropInterest(c)",
		Notice:  "interest of a connection that ends before its INFO stays: messages are sent to nobody",
	},
	{
		Name: "sibling-wildcard-removed", File: "reference/route/interest.go", Oracle: Delivery, Targets: []string{"Subjects", "Session"},
		Find:    "if l.tail == e {\n\t\tl.tail = nil\n\t} else {\n\t\tl.entry = nil\n\t}",
		Replace: "l.tail, l.entry = nil, nil",
		Notice:  "the end of a.*.> takes a.* along",
	},
	{
		Name: "literal-hides-star", File: "reference/route/interest.go", Oracle: Delivery, Targets: []string{"Subjects", "Session"},
		Find:    "case more:\n\t\t\tfound = below.match(rest, found)",
		Replace: "case more:\n\t\t\treturn below.match(rest, found)",
		Notice:  "beside a.*, *.b is not found for a.b",
	},
	{
		Name: "verbose-for-ever", File: "reference/route/handshake.go", Oracle: Answer, Targets: []string{"Session"},
		Find:    "c.said = said",
		Replace: "said.Verbose = said.Verbose || c.said.Verbose\n\tc.said = said",
		Notice:  "a later CONNECT does not end +OK",
	},
	{
		Name: "place-not-kept", File: "reference/route/interest.go", Oracle: Crash, Targets: []string{"Session", "PeerPair"},
		Find:    "\t*last.place() = *x.place()\n",
		Replace: "",
		Notice:  "the entry that fills a gap in a list does not know its new place: its end hits another one, or nothing",
	},
	{
		Name: "weight-below-one", File: "reference/route/remote.go", Oracle: Crash, Targets: []string{"Session", "PeerPair"},
		Find:    "weight := max(int64(op.Weight), 1)",
		Replace: "weight := int64(op.Weight)",
		Notice:  "a queue of weight 0 or less, and a message for it: 2.1.2 dies of it",
	},
}
