package corpus

// Level is how much a requirement weighs.
type Level string

const (
	Must   Level = "must"   // failing it fails the run
	Should Level = "should" // failing it is a warning
	May    Level = "may"    // which way the target goes is recorded
)

// Requirement is one testable statement about a server on its route port.
type Requirement struct {
	ID         string `json:"id"`         // RT-PREFIX-NNN, for ever; the prefix belongs to the chapter
	Level      Level  `json:"level"`      //
	Capability string `json:"capability"` // the part of the protocol it belongs to: one of Capabilities
	Chapter    string `json:"chapter"`    // the file of its specs: one of Chapters
	Title      string `json:"title"`      // the statement
	// Clause says where the rule comes from: "doc:SECTION", "src:FILE@VERSION", "seen:2.1.2..2.15.2", several joined
	// by "; ".
	Clause string `json:"clause"`
	// PageDiffers says how the 2.0 page differs from what every server does; the row asserts what servers do.
	PageDiffers string `json:"page_differs,omitempty"`
	// Disputed says how real servers of one profile differ; such a row never fails.
	Disputed string `json:"disputed,omitempty"`
	// Versions are the nats-server versions that keep the rule, as ranges "2.5.0..", "2.11.17..<2.12"; empty: all.
	Versions []string `json:"versions,omitempty"`
	// Branch is a probed branch the row belongs to: "connect_first=true". Empty: every branch.
	Branch string `json:"branch,omitempty"`
	// Needs are means without which the row is not_tested: some of Needs.
	Needs []string `json:"needs,omitempty"`
	// Note tells what a server author should know besides: quirks of real servers, why the level is what it is.
	Note string `json:"note,omitempty"`
}

// Exclusion is a sentence of the page, or a behaviour of servers, that no row tests, with the reason.
type Exclusion struct {
	// Key is words joined by -, by which page.json names the exclusion; those of the page have one.
	Key    string `json:"key,omitempty"`
	Source string `json:"source"` // doc:SECTION or seen:VERSIONS
	Text   string `json:"text"`
	Kind   string `json:"kind"` // untestable, out_of_scope or quirk
	Reason string `json:"reason"`
}

// Register is requirements.json.
type Register struct {
	Requirements []Requirement `json:"requirements"`
	Exclusions   []Exclusion   `json:"exclusions"`
}

// chapters has the prefix of each chapter's ids, in the order in which a reader meets the protocol.
var chapters = []struct{ name, prefix string }{
	{"handshake", "RT-HS"},
	{"control_line", "RT-LINE"},
	{"arguments", "RT-ARG"},
	{"bodies", "RT-JSON"},
	{"interest", "RT-INT"},
	{"queue", "RT-QUE"},
	{"message", "RT-MSG"},
	{"headers", "RT-HDR"},
	{"hop", "RT-HOP"},
	{"keepalive", "RT-KA"},
	{"errors", "RT-ERR"},
	{"identity", "RT-ID"},
	{"order", "RT-ORD"},
	{"disconnect", "RT-DIS"},
	{"wellformed", "RT-OUT"},
	{"gossip", "RT-GOS"},
	{"dialling", "RT-DIAL"},
	{"accounts", "RT-ACC"},
	{"auth", "RT-AUTH"},
	{"tls", "RT-TLS"},
	{"pooling", "RT-POOL"},
	{"pinned", "RT-PIN"},
	{"compression", "RT-COMP"},
	{"leaf", "RT-LEAF"},
	{"imports", "RT-IMP"},
	{"permissions", "RT-PERM"},
	{"lameduck", "RT-LDM"},
	{"slow", "RT-SLOW"},
	{"reload", "RT-RLD"},
	{"hostile", "RT-HOST"},
}

// Vocabulary of the register. Branch values are those a probe can find out.
var (
	capabilities = []string{
		"core", "headers", "accounts", "auth", "tls", "gossip", "dialling", "keepalive", "pooling", "pinned",
		"compression", "leaf", "permissions", "imports", "lameduck", "slow", "reload",
	}
	needs = []string{
		"client", "accounts", "auth", "odd-auth", "tls", "listener", "second-peer", "launch", "settings", "disruptive",
		"pinned", "no-pool", "permissions", "imports", "leafnode", "route", "advertise", "dynamic-name", "deadline",
		"reload", "lameduck", "shutdown",
	}
	branches = map[string][]string{
		"connect_first": {"true", "false"},
		"line_limit":    {"4096", "65536", "none"},
		"cluster_name":  {"static", "dynamic", "none"},
		"pool_sizes":    {"same", "any"},
	}
	sections = []string{
		"overview", "conventions", "messages", "INFO", "CONNECT", "RS+", "RS-", "RMSG", "PING/PONG", "-ERR",
	}
	exclusionKinds = []string{"untestable", "out_of_scope", "quirk"}
)

// Capabilities lists the parts of the protocol that a server may or may not have; core comes first.
func Capabilities() []string { return append([]string(nil), capabilities...) }
