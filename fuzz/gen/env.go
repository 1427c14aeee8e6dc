package gen

import (
	"strconv"
	"strings"
)

// Env is what a sequence is sent to and under which names. In the parts of a message these stand for them:
//
//	@id@          the id of the connection that sends, new for each run
//	@id0@ … @id2@ the id of that connection of the sequence
//	@third@       an id that no connection has: news about it makes a server dial
//	@cluster@     the target's cluster name, from its INFO
//	@target@      the target's server id, from its INFO
//	@targetname@  the target's server name, from its INFO
//	@subject@     the prefix of the run's subjects
//	@port@        a port of 127.0.0.1 on which nothing listens, as long as the run takes
//	@size@        the length of the message's payload
//	@header@      the length of the header block that the payload begins with, 0 if there is none
//
// Any other text between two @ stands for itself. Payloads are sent as they are.
type Env struct {
	Nonce      string // what makes this run's ids its own; letters and digits
	Cluster    string
	Target     string
	TargetName string
	Subject    string
	Port       int
}

// FixedEnv is an Env for targets that have no target: parsers, and machines in memory.
func FixedEnv() Env {
	return Env{Nonce: "N", Cluster: "C", Target: "TARGET", TargetName: "TARGET", Subject: "s", Port: 1}
}

// ID returns the server id of a connection.
func (e *Env) ID(conn int) string { return "FZ" + e.Nonce + "C" + strconv.Itoa(conn) }

func (e *Env) appendID(dst []byte, conn int) []byte {
	dst = append(append(append(dst, "FZ"...), e.Nonce...), 'C')
	return strconv.AppendInt(dst, int64(conn), 10)
}

// append appends text with its names replaced.
func (e *Env) append(dst []byte, text string, conn int, m *Message) []byte {
	for {
		at := strings.IndexByte(text, '@')
		if at < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:at]...)
		text = text[at:]
		end := strings.IndexByte(text[1:], '@')
		if end < 0 {
			return append(dst, text...)
		}
		if grown, ok := e.appendName(dst, text[1:1+end], conn, m); ok {
			dst, text = grown, text[end+2:]
		} else {
			dst, text = append(dst, '@'), text[1:]
		}
	}
}

func (e *Env) appendName(dst []byte, name string, conn int, m *Message) ([]byte, bool) {
	switch name {
	case "id":
		return e.appendID(dst, conn), true
	case "id0", "id1", "id2":
		return e.appendID(dst, int(name[2]-'0')), true
	case "third":
		return e.appendID(dst, MaxConns), true
	case "cluster":
		return append(dst, e.Cluster...), true
	case "target":
		return append(dst, e.Target...), true
	case "targetname":
		return append(dst, e.TargetName...), true
	case "subject":
		return append(dst, e.Subject...), true
	case "port":
		return strconv.AppendInt(dst, int64(e.Port), 10), true
	case "size":
		return strconv.AppendInt(dst, int64(len(m.Payload)), 10), true
	case "header":
		return strconv.AppendInt(dst, int64(HeaderSize(m.Payload)), 10), true
	}
	return dst, false
}

// HeaderSize is the length of the header block that the payload begins with.
func HeaderSize(payload string) int {
	if strings.HasPrefix(payload, "NATS/1.0") {
		if at := strings.Index(payload, "\r\n\r\n"); at >= 0 {
			return at + 4
		}
	}
	return 0
}
