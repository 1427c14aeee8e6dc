package harness

import "strings"

// SetupWords tells an operator about a setup.
type SetupWords struct {
	What     string // what a server so set up does, beyond the plain way
	Settings string // in the words of nats-server's configuration; empty: none
	Flags    string // of natsroute certify that name it on a running server; empty: INFO shows it
}

// onlyStarted stands for flags where a running server cannot show the setup: the rows change it or end it.
const onlyStarted = "--launch"

var setupWords = map[string]SetupWords{
	SetupPlain:      {What: "clients, and two named accounts", Settings: "accounts { NRA { users: […] }, NRB { users: […] } }", Flags: "--client, --account (twice)"},
	SetupDisposable: {What: "nobody needs it: rows may kill it", Flags: "--disruptive --i-own-this-target"},
	"dynamic":       {What: "the cluster has no configured name: rows may rename it", Settings: "cluster { } without name", Flags: "--disruptive --i-own-this-target"},
	"auth":          {What: "peers have to show a user and a password", Settings: "cluster { authorization { user, password, timeout: 1 } }", Flags: "--user, --password, --auth-timeout"},
	"odd-auth":      {What: "the user and the password are long, with blanks, quotes and letters beyond ASCII", Settings: "cluster { authorization { user, password } }", Flags: "--user, --password"},
	"tls":           {What: "the route port speaks TLS", Settings: "cluster { tls { ca_file, cert_file, key_file, timeout: 1 } }", Flags: "--tlsca, --tlscert, --tlskey, --tls-timeout"},
	"pinned":        {What: "one named account has route connections of its own", Settings: "cluster { accounts: [NRA] }", Flags: "--pinned NRA"},
	"nopool":        {What: "one connection to each peer", Settings: "cluster { pool_size: -1, compression: off }"},
	"permissions": {
		What:     "the cluster's permissions let a part of the subjects pass",
		Settings: "cluster { permissions { import { allow: \"" + SetupPermissions.Import + "\", deny: \"" + SetupPermissions.DeniedImport + "\" }, export { allow: \"" + SetupPermissions.Export + "\", deny: \"" + SetupPermissions.DeniedExport + "\" } } }",
		Flags:    "--permissions",
	},
	"imports": {
		What:     "one named account exports a stream and services, the other imports them",
		Settings: "NRA exports stream \"" + SetupImports.Stream + "\" and the services " + strings.Join(SetupImports.Services, ", ") + "; NRB imports them, the stream with prefix: " + SetupImports.Prefix,
		Flags:    "--imports NRA:NRB",
	},
	"leafnode":  {What: "there is a leafnode port", Settings: "leafnodes { listen: HOST:PORT }", Flags: "--leafnode HOST:PORT"},
	"advertise": {What: "the route port is announced by an address of its own", Settings: "cluster { advertise: HOST:PORT }"},
	"route":     {What: "there is a configured route, to where natsroute listens", Settings: "cluster { routes: [nats-route://HOST:PORT] }", Flags: "--route-to HOST:PORT"},
	"deadline":  {What: "a peer that reads nothing is given up soon", Settings: "write_deadline: \"500ms\"", Flags: "--write-deadline 500ms"},
	"reload":    {What: "its configuration is written anew and read again", Flags: onlyStarted},
	"lameduck":  {What: "it is sent into lame duck mode", Settings: "lame_duck_duration, lame_duck_grace_period: as short as they go", Flags: onlyStarted},
	"shutdown":  {What: "it is shut down", Flags: onlyStarted},
}

// Words tells an operator about the setup. The second value is false for a setup that has none: that is a fault of this
// package.
func (s *Setup) Words() (SetupWords, bool) {
	if s.Compression != "" && strings.HasPrefix(s.Name, needMode) {
		return SetupWords{What: "its mode of compression is " + s.Compression, Settings: "cluster { compression: " + s.Compression + " }"}, true
	}
	words, ok := setupWords[s.Name]
	return words, ok
}
