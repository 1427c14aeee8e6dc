package wire

import "encoding/json"

// ConnectBody is the JSON object of CONNECT, with every member that a server from 2.1.2 to 2.15.2 reads on a route. It reads
// like InfoBody. The number behind a member is the oldest of the versions read whose routes send it or act on it.
type ConnectBody struct {
	Echo           bool   `json:"echo"`                      // 2.1.2: true on routes
	Verbose        bool   `json:"verbose"`                   // 2.1.2: asks for +OK to each RS+, RS- and RMSG
	Pedantic       bool   `json:"pedantic"`                  // 2.1.2: false on routes
	User           string `json:"user,omitempty"`            // 2.1.2
	Pass           string `json:"pass,omitempty"`            // 2.1.2
	AuthToken      string `json:"auth_token,omitempty"`      // [doc]; read and not used by any server
	TLSRequired    bool   `json:"tls_required"`              // 2.1.2
	Headers        bool   `json:"headers,omitempty"`         // 2.5
	Name           string `json:"name"`                      // 2.1.2: the sender's server id
	Cluster        string `json:"cluster,omitempty"`         // 2.5: has to be the receiver's
	ClusterDynamic bool   `json:"cluster_dynamic,omitempty"` // 2.5
	LNOC           bool   `json:"lnoc,omitempty"`            // 2.5
	LNOCU          bool   `json:"lnocu,omitempty"`           // 2.10: read, not sent
	LN             bool   `json:"ln,omitempty"`              // 2.15
	Gateway        string `json:"gateway,omitempty"`         // 2.1.2: refused on a route port
	Lang           string `json:"lang,omitempty"`            // 2.1.2: refused on a route port, it tells a client
	Version        string `json:"version,omitempty"`         // [doc]; not used
	Protocol       int    `json:"protocol,omitempty"`        // 2.1.2: a client's; not used
	Account        string `json:"account,omitempty"`         // 2.8.4 to 2.15.2: refused; 2.1.2, 2.5.0: one that exists is taken
	AccountNew     bool   `json:"new_account,omitempty"`     // 2.8.4 to 2.15.2: refused; 2.1.2, 2.5.0: taken where no account is named
	NKey           string `json:"nkey,omitempty"`            // 2.1.2: not used, as the three that follow
	JWT            string `json:"jwt,omitempty"`             // 2.1.2
	Sig            string `json:"sig,omitempty"`             // 2.1.2
	NoResponders   bool   `json:"no_responders,omitempty"`   // 2.5
	ProxySig       string `json:"proxy_sig,omitempty"`       // 2.12: not used
	RemoteAccount  string `json:"remote_account,omitempty"`  // 2.5: a leaf's; not used

	Import *SubjectPermission `json:"import,omitempty"` // 2.1.2: read
	Export *SubjectPermission `json:"export,omitempty"` // 2.1.2: read

	// Extra is as in InfoBody.
	Extra map[string]json.RawMessage `json:"-"`
}

// connectMembers is ConnectBody without methods.
type connectMembers ConnectBody

var connectNames = memberNames[connectMembers]()

// UnmarshalJSON reads the body over what c holds.
func (c *ConnectBody) UnmarshalJSON(text []byte) error {
	return readBody(text, (*connectMembers)(c), &c.Extra, connectNames)
}

// MarshalJSON writes the body as AppendTo of a CONNECT does, but reports an Extra that is not JSON instead of panicking.
func (c ConnectBody) MarshalJSON() ([]byte, error) {
	return appendBodyJSON(nil, (*connectMembers)(&c), c.Extra)
}

func (c *ConnectBody) appendJSON(b []byte) []byte {
	return mustBody(appendBodyJSON(b, (*connectMembers)(c), c.Extra))
}

// Clone returns a copy that shares no memory with c; nil for nil.
func (c *ConnectBody) Clone() *ConnectBody {
	if c == nil {
		return nil
	}
	d := *c
	d.Import, d.Export = c.Import.clone(), c.Export.clone()
	d.Extra = cloneExtra(c.Extra)
	return &d
}
