package wire

import (
	"encoding/json"
	"maps"
	"slices"
)

// InfoBody is the JSON object of INFO, with every member that a server from 2.1.2 to 2.15.2 knows, in the order servers write
// them. The number behind a member is the oldest of the versions read that has it. Unknown members are kept in Extra.
//
// Reading follows encoding/json, as servers do: member names are case-insensitive, the last of several wins, null leaves a
// member alone, null and {} are bodies.
type InfoBody struct {
	ServerID       string   `json:"server_id"`                 // 2.1.2: unique id, the key of registration
	ServerName     string   `json:"server_name,omitempty"`     // 2.1.2: there equal to ServerID; must be unique in 2.5 and later
	Version        string   `json:"version"`                   // 2.1.2
	Proto          int      `json:"proto,omitempty"`           // 2.1.2: level of the route protocol, 2 up to 2.10, 3 from 2.11
	GitCommit      string   `json:"git_commit,omitempty"`      // 2.1.2
	Go             string   `json:"go,omitempty"`              // 2.1.2
	Host           string   `json:"host"`                      // 2.1.2: cluster listen or advertise address
	Port           int      `json:"port"`                      // 2.1.2
	Headers        bool     `json:"headers,omitempty"`         // 2.5: HMSG is sent only if both ends have it
	AuthRequired   bool     `json:"auth_required,omitempty"`   // 2.1.2: credentials are wanted in CONNECT
	TLSRequired    bool     `json:"tls_required,omitempty"`    // 2.1.2
	TLSVerify      bool     `json:"tls_verify,omitempty"`      // 2.1.2
	TLSAvailable   bool     `json:"tls_available,omitempty"`   // 2.5
	MaxPayload     int32    `json:"max_payload"`               // 2.1.2: bytes, not enforced on routes
	JetStream      bool     `json:"jetstream,omitempty"`       // 2.5
	IP             string   `json:"ip,omitempty"`              // 2.1.2: nats-route://host:port/ of the server described
	ClientID       uint64   `json:"client_id,omitempty"`       // 2.1.2: only on a client port, tells that this is no route port
	ClientIP       string   `json:"client_ip,omitempty"`       // 2.5: as ClientID
	Nonce          string   `json:"nonce,omitempty"`           // 2.1.2: in a connection's first INFO, not signed on routes
	Cluster        string   `json:"cluster,omitempty"`         // 2.1.2: filled by 2.5 and later
	ClusterDynamic bool     `json:"cluster_dynamic,omitempty"` // 2.5: the cluster name was generated
	Domain         string   `json:"domain,omitempty"`          // 2.5: of JetStream
	ConnectURLs    []string `json:"connect_urls,omitempty"`    // 2.1.2: host:port where clients connect
	WSConnectURLs  []string `json:"ws_connect_urls,omitempty"` // 2.5: the same for websocket
	LameDuck       bool     `json:"ldm,omitempty"`             // 2.5
	Compression    string   `json:"compression,omitempty"`     // 2.10: off, accept, s2_auto, s2_fast, …
	ConnectInfo    bool     `json:"connect_info,omitempty"`    // 2.5: client ports
	RemoteAccount  string   `json:"remote_account,omitempty"`  // 2.5: client and leaf ports
	AccountIsSys   bool     `json:"acc_is_sys,omitempty"`      // 2.12: client ports
	APILevel       int      `json:"api_lvl,omitempty"`         // 2.12: of JetStream

	Import         *SubjectPermission `json:"import,omitempty"`              // 2.1.2: subjects the peer may send
	Export         *SubjectPermission `json:"export,omitempty"`              // 2.1.2: subjects the peer may ask for
	LNOC           bool               `json:"lnoc,omitempty"`                // 2.5: understands LS+ and LMSG with origin
	LNOCU          bool               `json:"lnocu,omitempty"`               // 2.10: LS- carries the origin
	LN             bool               `json:"ln,omitempty"`                  // 2.15: origin "_" is leaf interest without a cluster
	InfoOnConnect  bool               `json:"info_on_connect,omitempty"`     // 2.5: client and leaf ports
	RoutePoolSize  int                `json:"route_pool_size,omitempty"`     // 2.10
	RoutePoolIndex int                `json:"route_pool_idx,omitempty"`      // 2.10
	RouteAccount   string             `json:"route_account,omitempty"`       // 2.10: this connection serves one account
	RouteAccReqID  string             `json:"route_acc_add_reqid,omitempty"` // 2.10: an account route is being added by reload
	GossipMode     uint8              `json:"gossip_mode,omitempty"`         // 2.11: 0 default, 1 disabled, 2 override

	Gateway           string   `json:"gateway,omitempty"`             // 2.1.2: gateway news over a route
	GatewayURLs       []string `json:"gateway_urls,omitempty"`        // 2.1.2
	GatewayURL        string   `json:"gateway_url,omitempty"`         // 2.1.2
	GatewayCmd        uint8    `json:"gateway_cmd,omitempty"`         // 2.1.2
	GatewayCmdPayload []byte   `json:"gateway_cmd_payload,omitempty"` // 2.1.2: base64
	GatewayNRP        bool     `json:"gateway_nrp,omitempty"`         // 2.1.2
	GatewayIOM        bool     `json:"gateway_iom,omitempty"`         // 2.9
	LeafNodeURLs      []string `json:"leafnode_urls,omitempty"`       // 2.1.2: the peer's leaf listener
	XKey              string   `json:"xkey,omitempty"`                // 2.10

	// Extra holds the members that are none of the above, by their names as received. Marshalling writes them behind
	// the others in the order of their names; a member put here under a name from above is written a second time and wins.
	Extra map[string]json.RawMessage `json:"-"`
}

// SubjectPermission lists subjects of cluster permissions.
type SubjectPermission struct {
	Allow []string `json:"allow,omitempty"`
	Deny  []string `json:"deny,omitempty"`
}

// infoMembers is InfoBody without methods.
type infoMembers InfoBody

var infoNames = memberNames[infoMembers]()

// UnmarshalJSON reads the body over what i holds.
func (i *InfoBody) UnmarshalJSON(text []byte) error {
	return readBody(text, (*infoMembers)(i), &i.Extra, infoNames)
}

// MarshalJSON writes the body as AppendTo of an INFO does, but reports an Extra that is not JSON instead of panicking.
func (i InfoBody) MarshalJSON() ([]byte, error) {
	return appendBodyJSON(nil, (*infoMembers)(&i), i.Extra)
}

func (i *InfoBody) appendJSON(b []byte) []byte {
	return mustBody(appendBodyJSON(b, (*infoMembers)(i), i.Extra))
}

// Clone returns a copy that shares no memory with i; nil for nil.
func (i *InfoBody) Clone() *InfoBody {
	if i == nil {
		return nil
	}
	c := *i
	c.ConnectURLs, c.WSConnectURLs = slices.Clone(i.ConnectURLs), slices.Clone(i.WSConnectURLs)
	c.GatewayURLs, c.LeafNodeURLs = slices.Clone(i.GatewayURLs), slices.Clone(i.LeafNodeURLs)
	c.GatewayCmdPayload = slices.Clone(i.GatewayCmdPayload)
	c.Import, c.Export = i.Import.clone(), i.Export.clone()
	c.Extra = cloneExtra(i.Extra)
	return &c
}

func (s *SubjectPermission) clone() *SubjectPermission {
	if s == nil {
		return nil
	}
	return &SubjectPermission{Allow: slices.Clone(s.Allow), Deny: slices.Clone(s.Deny)}
}

func cloneExtra(extra map[string]json.RawMessage) map[string]json.RawMessage {
	c := maps.Clone(extra)
	for name, value := range c {
		c[name] = slices.Clone(value)
	}
	return c
}
