package gen

import "slices"

// Message is one protocol line in parts, with the payload behind it. Each part may hold names of Env, but for the payload.
// Its bytes are, in this order: Verb, Fields, the object, End, Payload, Close.
type Message struct {
	Verb    string   // as sent, in any case; or any bytes
	Fields  []string // each with the blanks before it: " $G", "\tfoo"; "@size@" for a size that is right
	Object  bool     // a JSON object follows the fields
	Members []Member // of the object
	End     string   // of the line, with blanks before it: "\r\n", " \r\n"
	Payload string
	Close   string // behind a payload: "\r\n"
}

// Member is a member of a JSON object. Name and Value are JSON texts: a name has its quotes.
type Member struct{ Name, Value string }

// Append appends the message as connection conn sends it.
func (m *Message) Append(dst []byte, conn int, env *Env) []byte {
	dst = env.append(dst, m.Verb, conn, m)
	for _, f := range m.Fields {
		dst = env.append(dst, f, conn, m)
	}
	if m.Object {
		dst = append(dst, '{')
		for i, member := range m.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = env.append(dst, member.Name, conn, m)
			dst = append(dst, ':')
			dst = env.append(dst, member.Value, conn, m)
		}
		dst = append(dst, '}')
	}
	dst = env.append(dst, m.End, conn, m)
	dst = append(dst, m.Payload...)
	return append(dst, m.Close...)
}

// Clone returns a copy whose slices are its own.
func (m *Message) Clone() Message {
	c := *m
	c.Fields, c.Members = slices.Clone(m.Fields), slices.Clone(m.Members)
	return c
}

// Equal says whether both have the same parts.
func (m *Message) Equal(other *Message) bool {
	return m.Verb == other.Verb && slices.Equal(m.Fields, other.Fields) && m.Object == other.Object &&
		slices.Equal(m.Members, other.Members) && m.End == other.End && m.Payload == other.Payload && m.Close == other.Close
}

// Parts calls visit with each part of m, which visit may change. Members are visited by name and value.
func (m *Message) Parts(visit func(part *string)) {
	visit(&m.Verb)
	for i := range m.Fields {
		visit(&m.Fields[i])
	}
	for i := range m.Members {
		visit(&m.Members[i].Name)
		visit(&m.Members[i].Value)
	}
	visit(&m.End)
	visit(&m.Payload)
	visit(&m.Close)
}
