package harness

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Setup is one way in which a server is set up for a run: what an operator would put into its configuration. The zero
// value is the plain one. A run starts one server for each setup that its rows need.
type Setup struct {
	Name  string   // names the server in a report
	Meets []string // words of the register's needs that a server set up so meets, beside those that every setup meets

	Auth          bool          // peers have to show a user and a password
	OddAuth       bool          // and these are long, with blanks, quotes and letters beyond ASCII
	TLS           bool          // the route port speaks TLS, with certificates of an authority made for the run
	NoPool        bool          // one connection to each peer, without compression (2.10 and later have pools unless told otherwise)
	Compression   string        // mode of the route port; empty: the server's default
	Pinned        bool          // an account has a route connection of its own
	Permissions   bool          // the cluster's permissions are those of SetupPermissions
	Imports       bool          // one account exports a stream and a service to another: SetupImports
	Leafnode      bool          // there is a leafnode port
	DynamicName   bool          // the cluster has no configured name
	Advertise     bool          // the route port is announced by an address of its own
	Route         bool          // there is one configured route, to a port of ours
	WriteDeadline time.Duration // 0: the server's default
	MoreRoutes    []string      // URLs of further configured routes
	Spare         bool          // there is a further account: SetupSpare
	LameDuck      bool          // lame duck mode is as short as the server allows
}

// Names of setups that code asks for.
const (
	SetupPlain      = "plain"
	SetupDisposable = "disposable"
)

// Words of the register's needs that only some setups meet.
const (
	needDisruptive = "disruptive"
	needMode       = "mode-" // and a compression mode
)

// Setups lists the ways in which a server that we can configure is set up, in the order in which a spec looks for one
// that meets its needs.
func Setups() []Setup {
	all := []Setup{
		{Name: SetupPlain, Meets: []string{needMode + "accept"}},
		{Name: SetupDisposable, Meets: []string{needDisruptive}},
		{Name: "dynamic", DynamicName: true, Meets: []string{"dynamic-name", needDisruptive}},
		{Name: "auth", Auth: true, Meets: []string{"auth"}},
		{Name: "odd-auth", Auth: true, OddAuth: true, Meets: []string{"odd-auth"}},
		{Name: "tls", TLS: true, Meets: []string{"tls"}},
		{Name: "pinned", Pinned: true, Meets: []string{"pinned"}},
		{Name: "nopool", NoPool: true, Meets: []string{"no-pool"}},
		{Name: "permissions", Permissions: true, Meets: []string{"permissions"}},
		{Name: "imports", Imports: true, Meets: []string{"imports"}},
		{Name: "leafnode", Leafnode: true, Meets: []string{"leafnode"}},
		{Name: "advertise", Advertise: true, Meets: []string{"advertise"}},
		{Name: "route", Route: true, Meets: []string{"route"}},
		{Name: "deadline", WriteDeadline: setupWriteDeadline, Meets: []string{"deadline"}},
		{Name: "reload", Meets: []string{"reload"}},
		{Name: "lameduck", LameDuck: true, Meets: []string{"lameduck"}},
		{Name: "shutdown", Meets: []string{"shutdown"}},
	}
	for _, mode := range []string{"off", "s2_fast", "s2_better", "s2_best", "s2_auto"} { // s2_uncompressed is s2_auto's choice: no release can be told
		all = append(all, Setup{Name: strings.ReplaceAll("mode-"+mode, "_", "-"), Compression: mode, Meets: []string{needMode + mode}})
	}
	return all
}

// setupWriteDeadline is long enough for a peer that reads, and lets a run see the end of one that does not.
const setupWriteDeadline = 500 * time.Millisecond

// SetupNamed is the setup of that name.
func SetupNamed(name string) (Setup, bool) {
	all := Setups()
	i := slices.IndexFunc(all, func(s Setup) bool { return s.Name == name })
	if i < 0 {
		return Setup{}, false
	}
	return all[i], true
}

// MeetsAll tells whether a server set up so meets the words given; those that are no matter of setups count as met.
func (s *Setup) MeetsAll(needs []string) bool {
	for _, need := range needs {
		if setupNeeds()[need] && !slices.Contains(s.Meets, need) {
			return false
		}
	}
	return true
}

// Disruptive tells whether the setup is there for rows that can kill or rename a server.
func (s *Setup) Disruptive() bool { return slices.Contains(s.Meets, needDisruptive) }

// setupNeeds are the words of the register's needs that are met by some setups only. A run asks for every spec and setup.
var setupNeeds = sync.OnceValue(func() map[string]bool {
	words := make(map[string]bool)
	for _, s := range Setups() {
		for _, need := range s.Meets {
			words[need] = true
		}
	}
	return words
})

// Permissions are subject patterns of a cluster's permissions.
type Permissions struct {
	Import, Export string // what may pass, and nothing else
	DeniedImport   string // within Import
	DeniedExport   string // within Export
}

// SetupPermissions are the permissions of setups that have some. The first two tokens of a spec's subjects are its own.
var SetupPermissions = Permissions{
	Import: "*.*.import.>", DeniedImport: "*.*.import.secret.>",
	Export: "*.*.export.>", DeniedExport: "*.*.export.secret.>",
}

// Imports says what one account hands to another.
type Imports struct {
	From, To string   // names of accounts
	Stream   string   // subject pattern of the stream that From exports
	Prefix   string   // under which To sees it: PREFIX.SUBJECT
	Services []string // subjects of services that From exports and To uses under the same subject
}

// SetupImports is what the setup with imports has. A service's subject is fixed (2.1.2 takes no pattern), so that there is one
// for each spec.
var SetupImports = Imports{
	From: "NRA", To: "NRB", Stream: "nrstream.>", Prefix: "nrimport",
	Services: []string{"nrservice.a", "nrservice.b", "nrservice.c", "nrservice.d", "nrservice.e", "nrservice.f", "nrservice.g", "nrservice.h"},
}

// SetupRoute is what the URL of the configured route has before the host, in the setup that has one.
var SetupRoute = Credentials{User: "nr-route", Password: "p/w:d@%20"}

// SetupPinned is the account with a route connection of its own in the setup that has one.
const SetupPinned = "NRA"

// SetupSpare is the account of setups that have one more than others.
const SetupSpare = "NRC"
