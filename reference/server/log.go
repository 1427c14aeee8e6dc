package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// The arrows of nats-server's trace: << came in, >> went out.
const (
	traceIn  = "<<-"
	traceOut = "->>"
)

const redacted = "[REDACTED]"

func (s *Server) debugf(l *link, format string, args ...any) { s.logf("[DBG] ", l, format, args...) }

func (s *Server) errorf(l *link, format string, args ...any) { s.logf("[ERR] ", l, format, args...) }

// logf writes one line about l, or about the server when l is nil.
func (s *Server) logf(level string, l *link, format string, args ...any) {
	if s.cfg.Log == nil {
		return
	}
	var line strings.Builder
	line.WriteString(level)
	if l != nil {
		line.WriteString(l.label)
		line.WriteString(" - ")
	}
	fmt.Fprintf(&line, format, args...)
	s.cfg.Log(line.String())
}

// tracing tells whether operations are logged. Callers ask before they make the text.
func (s *Server) tracing() bool { return s.cfg.Trace && s.cfg.Log != nil }

func (s *Server) trace(l *link, arrow, text string) { s.logf("[TRC] ", l, "%s [%s]", arrow, text) }

// traceConnect returns the trace text of a CONNECT with that object.
func traceConnect(object []byte) string { return "CONNECT " + string(redactCredentials(object)) }

// redactCredentials returns the JSON object of a CONNECT with its secrets masked. Text that is no object is masked whole.
func redactCredentials(object []byte) []byte {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return []byte(redacted)
	}
	found := false
	for name := range members {
		switch strings.ToLower(name) {
		case "pass", "auth_token", "jwt", "sig":
			members[name], found = json.RawMessage(`"`+redacted+`"`), true
		}
	}
	if !found {
		return bytes.TrimSpace(object)
	}
	masked, err := json.Marshal(members)
	if err != nil {
		return []byte(redacted)
	}
	return masked
}

func (s *Server) tracePayload(l *link, arrow string, payload []byte) {
	s.logf("[TRC] ", l, "%s MSG_PAYLOAD: [%q]", arrow, payload)
}
