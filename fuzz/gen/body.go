package gen

import "slices"

// hello makes the INFO that a peer introduces itself with.
func (s *Source) hello() Message {
	m := Message{Verb: "INFO", Fields: []string{" "}, Object: true, End: " \r\n"}
	m.Members = append(make([]Member, 0, 20), s.introduction(infoHello, infoBrief)...)
	for range s.weighted([]uint8{6, 4, 3, 2, 1}) {
		m.Members = append(m.Members, s.healthy(infoOptions))
	}
	return s.alteredBody(m, infoMembers)
}

var infoHello = []Member{
	{`"server_id"`, `"@id@"`},
	{`"server_name"`, `"@id@"`},
	{`"version"`, `"2.0.0"`},
	{`"proto"`, `2`},
	{`"host"`, `"127.0.0.1"`},
	{`"port"`, `@port@`},
	{`"headers"`, `true`},
	{`"max_payload"`, `1048576`},
	{`"cluster"`, `"@cluster@"`},
}

// infoBrief is what a server cannot do without.
var infoBrief = []Member{
	{`"server_id"`, `"@id@"`},
	{`"host"`, `"127.0.0.1"`},
	{`"port"`, `@port@`},
	{`"headers"`, `true`},
	{`"cluster"`, `"@cluster@"`},
}

func (s *Source) introduction(whole, brief []Member) []Member {
	if s.brief {
		return brief
	}
	return whole
}

// infoOptions are members that a healthy peer adds, with values that servers take.
var infoOptions = [][]Member{
	{{`"lnoc"`, `true`}},
	{{`"lnocu"`, `true`}},
	{{`"ln"`, `true`}},
	{{`"compression"`, `"off"`}, {`"compression"`, `"accept"`}},
	{{`"route_pool_size"`, `3`}, {`"route_pool_size"`, `1`}},
	{{`"route_pool_idx"`, `0`}, {`"route_pool_idx"`, `1`}, {`"route_pool_idx"`, `2`}},
	{{`"route_account"`, `"$SYS"`}, {`"route_account"`, `"A"`}},
	{{`"gossip_mode"`, `1`}, {`"gossip_mode"`, `2`}},
	{{`"ldm"`, `true`}},
	{{`"connect_urls"`, `["127.0.0.1:@port@"]`}},
	{{`"leafnode_urls"`, `["127.0.0.1:@port@"]`}},
	{{`"ip"`, `"nats-route://127.0.0.1:@port@/"`}},
	{{`"import"`, `{"allow":["@subject@.>"]}`}},
	{{`"export"`, `{"deny":["foo"]}`}},
	{{`"tls_required"`, `true`}},
	{{`"auth_required"`, `true`}},
}

func (s *Source) healthy(options [][]Member) Member {
	choice := options[s.Intn(len(options))]
	return choice[s.Intn(len(choice))]
}

// connect makes a CONNECT, mostly one that servers take.
func (s *Source) connect() Message {
	m := Message{Verb: "CONNECT", Fields: []string{" "}, Object: true, End: crlf}
	m.Members = append(make([]Member, 0, 16), s.introduction(connectHello, connectBrief)...)
	return s.alteredBody(m, connectMembers)
}

var connectHello = []Member{
	{`"echo"`, `true`},
	{`"verbose"`, `false`},
	{`"pedantic"`, `false`},
	{`"tls_required"`, `false`},
	{`"name"`, `"@id@"`},
	{`"headers"`, `true`},
	{`"cluster"`, `"@cluster@"`},
}

var connectBrief = []Member{
	{`"verbose"`, `false`},
	{`"name"`, `"@id@"`},
	{`"headers"`, `true`},
	{`"cluster"`, `"@cluster@"`},
}

// laterInfo makes an INFO for a live route: an update, news about another server, or a body of any members.
func (s *Source) laterInfo() Message {
	switch s.weighted([]uint8{6, 4, 3}) {
	case 0:
		return s.hello()
	case 1:
		m := s.hello()
		if len(m.Members) > 0 {
			m.Members[0] = Member{`"server_id"`, s.Pick(otherIDs)}
		}
		if s.Bool() {
			m.Members = append(m.Members, Member{`"ip"`, s.Pick(urls)})
		}
		return m
	}
	m := Message{Verb: "INFO", Fields: []string{" "}, Object: true, End: " \r\n"}
	for range s.Intn(8) {
		m.Members = append(m.Members, s.anyMember(infoMembers))
	}
	return m
}

var otherIDs = []string{`"@third@"`, `"@id0@"`, `"@id1@"`, `"@target@"`, `""`}

// alteredBody leaves a body as it is, or changes up to three of its members.
func (s *Source) alteredBody(m Message, known []memberWord) Message {
	if !s.Chance(4) {
		return m
	}
	for range 1 + s.Intn(3) {
		s.alterMember(&m, known)
	}
	return m
}

func (s *Source) alterMember(m *Message, known []memberWord) {
	if len(m.Members) == 0 {
		m.Members = append(m.Members, s.anyMember(known))
		return
	}
	at := s.Intn(len(m.Members))
	switch s.Intn(7) {
	case 0: // one more, or one a second time: the last wins
		m.Members = append(m.Members, s.anyMember(known))
	case 1:
		m.Members = slices.Delete(m.Members, at, at+1)
	case 2: // another value of its kind, or of the wrong type
		m.Members[at].Value = s.value(kindOf(known, m.Members[at].Name))
	case 3: // keys match in any case
		m.Members[at].Name = s.upperName(m.Members[at].Name)
	case 4:
		m.Members[at].Value = s.Pick(values)
	case 5:
		m.Members = append(m.Members, m.Members[at])
		m.Members[at].Value = s.value(kindOf(known, m.Members[at].Name))
	case 6: // another order
		last := len(m.Members) - 1
		m.Members[at], m.Members[last] = m.Members[last], m.Members[at]
	}
}

func (s *Source) upperName(name string) string {
	if s.Chance(4) && len(name) > 2 {
		const hex = "0123456789abcdef"
		c := name[1]
		return `"\u00` + string([]byte{hex[c>>4], hex[c&15]}) + name[2:]
	}
	b := []byte(name)
	for i := range b {
		if b[i] >= 'a' && b[i] <= 'z' && (i&1 == 1 || s.Bool()) {
			b[i] &^= 0x20
		}
	}
	return string(b)
}

func kindOf(known []memberWord, name string) string {
	for _, w := range known {
		if w.name == name {
			return w.kind
		}
	}
	return "text"
}

func (s *Source) anyMember(known []memberWord) Member {
	w := known[s.Intn(len(known))]
	return Member{w.name, s.value(w.kind)}
}

// value makes a JSON value of that kind, now and then one of any other kind.
func (s *Source) value(kind string) string {
	if s.Chance(8) {
		return s.Pick(values)
	}
	switch kind {
	case "id":
		return s.Pick(ids)
	case "number", "port":
		if kind == "port" && s.Bool() {
			return "@port@"
		}
		return s.Number()
	case "bool":
		if s.Bool() {
			return "true"
		}
		return "false"
	case "address":
		return s.Pick(addresses)
	case "url":
		return s.Pick(urls)
	case "urls":
		return "[" + s.Pick(urls) + "," + s.Pick(urls) + "]"
	case "mode":
		return s.Pick(modes)
	case "cluster":
		return s.Pick(clusters)
	case "account":
		return `"` + s.Pick(accounts) + `"`
	case "permission":
		return s.Pick(permissions)
	}
	return s.Pick(words4JSON)
}

var (
	ids         = []string{`"@id@"`, `"@id0@"`, `"@id1@"`, `"@target@"`, `"@targetname@"`, `""`, `"x y"`, `"@third@"`}
	clusters    = []string{`"@cluster@"`, `"other"`, `"_"`, `""`, `"zzzz"`}
	words4JSON  = []string{`""`, `"x"`, `"$G"`, `"2.0.0"`, `"\u0000"`, `"\ud83d\ude00"`, `"'"`, "\"\xff\"", `"bmF0cw=="`}
	permissions = []string{
		`{}`, `{"allow":["foo"]}`, `{"allow":[],"deny":[">"]}`, `{"deny":["@subject@.>"]}`, `{"allow":["foo..bar"]}`, `{"allow":"foo"}`, `null`,
	}
)
