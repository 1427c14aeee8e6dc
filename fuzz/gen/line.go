package gen

import "strings"

const crlf = "\r\n"

// The kinds of messages behind a handshake, and how often each comes.
const (
	kindPing = iota
	kindSub
	kindUnsub
	kindMsg
	kindHMsg
	kindLeafSub
	kindLeafUnsub
	kindLeafMsg
	kindInfo
	kindConnect
	kindPong
	kindErr
	kindOther
	kindGarbage
)

var kindWeights = []uint8{8, 50, 20, 60, 20, 14, 8, 12, 16, 8, 4, 2, 16, 4}

// message makes one message of any kind, whole or damaged.
func (s *Source) message() Message {
	m := s.wholeMessage(s.weighted(kindWeights))
	if s.Chance(12) {
		s.restyle(&m)
	}
	if s.Chance(12) {
		s.damage(&m)
	}
	return m
}

func (s *Source) wholeMessage(kind int) Message {
	switch kind {
	case kindPing:
		return Message{Verb: "PING", End: crlf}
	case kindPong:
		return Message{Verb: s.Pick([]string{"PONG", "+OK", "PING"}), End: crlf}
	case kindSub:
		return s.interest("RS+", false, true)
	case kindUnsub:
		return s.interest("RS-", false, false)
	case kindLeafSub:
		return s.interest("LS+", true, true)
	case kindLeafUnsub:
		return s.interest("LS-", s.Bool(), false)
	case kindMsg:
		return s.routed("RMSG")
	case kindHMsg:
		return s.routed("HMSG")
	case kindLeafMsg:
		return s.routed("LMSG")
	case kindInfo:
		return s.laterInfo()
	case kindConnect:
		return s.connect()
	case kindErr:
		return Message{Verb: "-ERR", Fields: []string{" " + s.Pick(texts)}, End: crlf}
	case kindOther:
		return s.other()
	}
	return s.garbage()
}

// interest makes RS+, RS-, LS+ or LS-: mostly with the fields that belong there.
func (s *Source) interest(verb string, origin, weight bool) Message {
	m := Message{Verb: verb, Fields: make([]string, 0, 5), End: crlf}
	if origin {
		m.Fields = append(m.Fields, " "+s.Pick(origins))
	}
	m.Fields = append(m.Fields, " "+s.Account(), " "+s.Subject())
	if s.Chance(2) {
		m.Fields = append(m.Fields, " "+s.Queue())
		if weight {
			m.Fields = append(m.Fields, " "+s.Weight())
		}
	}
	return s.miscounted(m)
}

// routed makes RMSG, HMSG or LMSG with a payload whose sizes are mostly right.
func (s *Source) routed(verb string) Message {
	m := Message{Verb: verb, Fields: make([]string, 0, 8), End: crlf, Payload: s.payload(), Close: crlf}
	if verb == "LMSG" {
		m.Fields = append(m.Fields, " "+s.Pick(origins))
	}
	m.Fields = append(m.Fields, " "+s.Account(), " "+s.Subject())
	switch s.weighted([]uint8{8, 3, 3, 3}) {
	case 1:
		m.Fields = append(m.Fields, " "+s.Subject())
	case 2:
		m.Fields = append(m.Fields, " |")
		m.Fields = s.group(m.Fields)
	case 3:
		m.Fields = append(m.Fields, " +", " "+s.Subject())
		m.Fields = s.group(m.Fields)
	}
	if verb != "RMSG" {
		m.Fields = append(m.Fields, s.sized(" @header@"))
	}
	m.Fields = append(m.Fields, s.sized(" @size@"))
	return s.miscounted(m)
}

func (s *Source) group(fields []string) []string {
	for range 1 + s.weighted([]uint8{12, 3, 1}) {
		fields = append(fields, " "+s.Queue())
	}
	return fields
}

// sized is the size that is right, or now and then any number.
func (s *Source) sized(right string) string {
	if s.Chance(8) {
		return " " + s.Number()
	}
	return right
}

func (s *Source) payload() string {
	switch s.weighted([]uint8{3, 10, 3, 1}) {
	case 0:
		return ""
	case 1:
		return s.Pick(payloads)
	case 2:
		return s.Token()
	}
	return s.long()
}

// miscounted leaves out or adds a field now and then.
func (s *Source) miscounted(m Message) Message {
	if !s.Chance(16) {
		return m
	}
	if n := len(m.Fields); n > 0 && s.Bool() {
		at := s.Intn(n)
		m.Fields = append(m.Fields[:at], m.Fields[at+1:]...)
	} else {
		m.Fields = append(m.Fields, " "+s.anyField())
	}
	return m
}

func (s *Source) anyField() string {
	switch s.Intn(5) {
	case 0:
		return s.Subject()
	case 1:
		return s.Number()
	case 2:
		return s.Queue()
	case 3:
		return s.Account()
	}
	return s.Token()
}

// other makes operations that no route sends, with up to four fields and perhaps a payload.
func (s *Source) other() Message {
	m := Message{Verb: s.Pick(others), End: crlf}
	for range s.Intn(5) {
		m.Fields = append(m.Fields, " "+s.anyField())
	}
	if strings.HasSuffix(m.Verb, "PUB") || strings.HasSuffix(m.Verb, "MSG") {
		m.Payload, m.Close = s.payload(), crlf
		m.Fields = append(m.Fields, s.sized(" @size@"))
	}
	return m
}

var others = []string{"A+", "A-", "SUB", "UNSUB", "PUB", "HPUB", "MSG", "+OK"}

// garbage is bytes without a form: a few of any value, perhaps behind the name of an operation, or the beginning of what
// another protocol says.
func (s *Source) garbage() Message {
	var m Message
	switch s.Intn(3) {
	case 0:
		return Message{Verb: s.Pick(foreign)}
	case 1:
		m.Verb = s.Token()
	case 2:
		m.Verb = s.Pick(verbs)
	}
	for range s.Intn(4) {
		m.Fields = append(m.Fields, s.Token())
	}
	return m
}

var foreign = []string{
	"\r\n", "\n", " ", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"\xff\x06\x00\x00S2sTwO", "\x00", "RS", "RMSG",
}

// restyle changes how a message is spelt, not what it says.
func (s *Source) restyle(m *Message) {
	switch s.Intn(3) {
	case 0:
		m.Verb = s.otherCase(m.Verb)
	case 1:
		m.End = s.Pick(ends)
	case 2:
		if n := len(m.Fields); n > 0 {
			at := s.Intn(n)
			m.Fields[at] = s.Pick(blanks) + strings.TrimPrefix(m.Fields[at], " ")
		} else {
			m.End = s.Pick(blanks) + m.End
		}
	}
}

func (s *Source) otherCase(verb string) string {
	b := []byte(verb)
	flip := s.Byte() | 1
	for i, c := range b {
		if flip>>(i&7)&1 == 1 && (c >= 'A' && c <= 'Z') {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// damage changes a byte or a few somewhere in the message.
func (s *Source) damage(m *Message) {
	n := 0
	m.Parts(func(*string) { n++ })
	at := s.Intn(n)
	m.Parts(func(part *string) {
		if at == 0 {
			*part = s.damaged(*part)
		}
		at--
	})
}

func (s *Source) damaged(text string) string {
	at := s.Intn(len(text) + 1)
	switch c := s.Byte(); s.Intn(5) {
	case 0:
		return text[:at] + string([]byte{c}) + text[at:]
	case 1:
		return text[:at]
	case 2:
		if at < len(text) {
			return text[:at] + text[at+1:]
		}
	case 3:
		if at < len(text) {
			return text[:at] + string([]byte{text[at] ^ 1<<(c&7)}) + text[at+1:]
		}
	case 4:
		if len(text) <= 1024 {
			return text[:at] + text
		}
	}
	return text
}
