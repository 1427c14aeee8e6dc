package spec

import . "github.com/onsi/ginkgo/v2"

// register builds the tree: one container with the suite's own nodes and one container a chapter. Nodes around specs
// must be in a container: what is outside of one is lost when Ginkgo clones the tree for a preview.
func register(s *Suite) {
	BeforeSuite(s.startFutures)
	AfterSuite(s.stopShared)
	Describe("Route protocol", func() {
		s.futures = nil // Ginkgo builds the tree twice, for the catalogue and for the run: what was prepared for the first is never joined
		s.hooks()
		registerHandshake(s)
		registerControlLine(s)
		registerArguments(s)
		registerInterest(s)
		registerQueue(s)
		registerMessage(s)
		registerHeaders(s)
		registerHop(s)
		registerOrder(s)
		registerKeepAlive(s)
		registerErrors(s)
		registerIdentity(s)
		registerDisconnect(s)
		registerGossip(s)
		registerDialling(s)
		registerAccounts(s)
		registerAuth(s)
		registerTLS(s)
		registerPooling(s)
		registerPinned(s)
		registerCompression(s)
		registerLeaf(s)
		registerImports(s)
		registerPermissions(s)
		registerLameDuck(s)
		registerSlow(s)
		registerReload(s)
		registerHostile(s)
		registerWellFormed(s)
		registerVectors(s)
		for _, register := range promoted {
			register(s)
		}
	})
}

// promoted are the specs that natsroute promote has made of findings, and nobody has yet moved to their chapters.
var promoted []func(*Suite)
