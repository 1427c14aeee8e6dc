package server

import (
	"encoding/json"
	"fmt"
	"runtime"
)

// clientProtoInfo is the protocol level of clients that understand INFO after the first one.
const clientProtoInfo = 1

// clientInfo is the body of INFO on the client port: the members that clients act on.
type clientInfo struct {
	ServerID     string   `json:"server_id"`
	ServerName   string   `json:"server_name"`
	Version      string   `json:"version"`
	Proto        int      `json:"proto"`
	Go           string   `json:"go"`
	Host         string   `json:"host"`
	Port         int      `json:"port"`
	Headers      bool     `json:"headers"`
	AuthRequired bool     `json:"auth_required,omitempty"`
	MaxPayload   int      `json:"max_payload"`
	ClientID     uint64   `json:"client_id"`
	ClientIP     string   `json:"client_ip,omitempty"`
	Cluster      string   `json:"cluster,omitempty"`
	ConnectURLs  []string `json:"connect_urls,omitempty"`
	LameDuck     bool     `json:"ldm,omitempty"`
}

// appendClientInfo appends the INFO line for c, in the form of servers: one blank before CR LF.
func (s *Server) appendClientInfo(b []byte, c *client) []byte {
	cluster := s.cfg.Cluster
	if s.cfg.clusterDynamic {
		cluster = "" // a generated name may have been given up since
	}
	body, err := json.Marshal(clientInfo{
		ServerID:     s.cfg.ServerID,
		ServerName:   s.cfg.ServerName,
		Version:      s.cfg.Version,
		Proto:        clientProtoInfo,
		Go:           runtime.Version(),
		Host:         s.cfg.Host,
		Port:         s.clientPort,
		Headers:      true,
		AuthRequired: s.users.required,
		MaxPayload:   s.cfg.MaxPayload,
		ClientID:     c.id,
		ClientIP:     c.link.remoteIP,
		Cluster:      cluster,
		ConnectURLs:  s.clientURLs,
		LameDuck:     s.lameDuck != nil && s.lameDuck.telling,
	})
	if err != nil {
		panic(err) // strings, numbers and bools always marshal
	}
	b = append(b, "INFO "...)
	b = append(b, body...)
	return append(b, " \r\n"...)
}

// clientOptions is what the server reads of a client's CONNECT.
type clientOptions struct {
	Verbose      bool   `json:"verbose"`
	Pedantic     bool   `json:"pedantic"`
	Echo         bool   `json:"echo"`
	Headers      bool   `json:"headers"`
	NoResponders bool   `json:"no_responders"`
	Protocol     int    `json:"protocol"`
	User         string `json:"user"`
	Password     string `json:"pass"`
	Name         string `json:"name"`
}

// defaultClientOptions holds what CONNECT leaves out, or what counts when it never comes (seen 2.15.2).
var defaultClientOptions = clientOptions{Verbose: true, Pedantic: true, Echo: true}

// parseClientConnect reads the JSON object of CONNECT.
func parseClientConnect(object []byte) (clientOptions, error) {
	o := defaultClientOptions
	if err := json.Unmarshal(object, &o); err != nil {
		return clientOptions{}, &clientError{Detail: fmt.Sprintf("CONNECT body: %v", err)}
	}
	if o.NoResponders && !o.Headers {
		return clientOptions{}, &clientError{Reply: errNoRespondersAlone, Detail: "no_responders without headers"}
	}
	return o, nil
}
