package spec

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// registerCompression: what two modes make of a route, and S2 on the wire.
func registerCompression(s *Suite) {
	Describe("A mode of compression", func() {
		compressionAgreed(s)
		compressionUnknown(s)
	})
	Describe("A target that dials", func() {
		compressionDialled(s)
		compressionDialledPool(s)
	})
	Describe("A compressed route", func() {
		compressionSwitch(s)
		compressionCarries(s)
		compressionPlaces(s)
		compressionStale(s)
	})
	Describe("A peer's S2 stream", func() {
		streamTaken(s)
		streamBroken(s)
	})
}

// The modes of servers.
const (
	modeOff    = "off"
	modeAccept = "accept"
	modeAuto   = "s2_auto"
	modeNone   = "not supported"
	modeFast   = "s2_fast"
)

var s2Modes = []string{"s2_uncompressed", modeFast, "s2_better", "s2_best", modeAuto}

func isS2(mode string) bool { return slices.Contains(s2Modes, mode) }

// announcement is what a peer says of compression in its INFO.
type announcement struct {
	word string // in the names of specs
	mode string
}

func announcements() []announcement {
	all := []announcement{{"absent", ""}, {"empty", ""}, {"not-supported", modeNone}, {modeOff, modeOff}, {modeAccept, modeAccept}}
	for _, mode := range s2Modes {
		all = append(all, announcement{dashed.Replace(mode), mode})
	}
	return all
}

// option makes a peer announce it, and go over to S2 where that follows.
func (a announcement) option() harness.PeerOption {
	switch a.word {
	case "absent":
		return harness.WithInfo(func(*wire.InfoBody) {})
	case "empty":
		return harness.WithInfo(func(i *wire.InfoBody) { i.Extra = map[string]json.RawMessage{"compression": json.RawMessage(`""`)} })
	}
	return harness.WithCompression(a.mode)
}

func (a announcement) String() string {
	if a.mode == "" {
		return "compression that is " + a.word
	}
	return fmt.Sprintf("the mode %q", a.mode)
}

// agreed is the mode in which a target writes when its own mode and a peer's are these; empty: plain.
func agreed(target, peer string) string {
	switch {
	case target == modeOff || !isS2(peer) && peer != modeAccept:
		return ""
	case isS2(target):
		return target
	case peer == modeAuto: // which a server that only accepts does not follow
		return modeFast
	case isS2(peer):
		return peer
	}
	return ""
}

// The modes that a release can be told: the first is the default, the last chooses s2_uncompressed where the round trip
// is short.
var (
	targetModes  = []string{modeAccept, modeOff, modeFast, "s2_better", "s2_best", modeAuto}
	willingToS2  = slices.DeleteFunc(slices.Clone(targetModes), func(mode string) bool { return mode == modeOff })
	someModes    = []string{modeFast, "s2_best", modeAuto}
	dashed       = strings.NewReplacer("_", "-")
	unknownToAll = "gzip"
)

// eachPair calls do for each mode of a target and each announcement, with a word for both.
func eachPair(do func(target string, peer announcement, word string)) {
	for _, target := range targetModes {
		for _, peer := range announcements() {
			do(target, peer, dashed.Replace(target)+"-"+peer.word)
		}
	}
}

// ofPair is the row about a pair of modes: one for plain, by whose wish, and one for S2.
func ofPair(target string, peer announcement) int {
	switch mode := agreed(target, peer.mode); {
	case mode == "" && target == modeOff:
		return 3
	case mode == "" && peer.mode == modeOff:
		return 2
	case mode == "" && peer.mode == modeAccept:
		return 4
	case mode == "":
		return 1
	case target == modeAccept:
		return 5
	case peer.mode == modeAccept:
		return 6
	}
	return 7
}

func compressionAgreed(s *Suite) {
	eachPair(func(target string, peer announcement, word string) {
		id := fmt.Sprintf("RT-COMP-%03d/%s", ofPair(target, peer), word)
		title := fmt.Sprintf("%q of the target with %s of a peer", target, peer)
		It(title, s.Req(id), NeedsMode(target), func(ctx SpecContext) {
			p := s.Join(ctx, "A", peer.option())
			s.expectCompressed(p, agreed(target, peer.mode) != "")
			s.expectBothWays(ctx, p)
		})
	})

	for _, target := range willingToS2 {
		for _, peer := range someModes {
			word := dashed.Replace(target + "-" + peer)
			It(fmt.Sprintf("is named in the target's second INFO: %q with a peer's %q", target, peer), s.Req("RT-COMP-010/"+word), NeedsMode(target), func(ctx SpecContext) {
				p := s.Join(ctx, "A", harness.WithCompression(peer))
				Expect(insideInfo(p).Compression).To(Equal(agreed(target, peer)), "compression in the INFO inside S2")
			})
		}
	}
}

// expectCompressed wants the route to be S2 in both directions, or in none.
func (s *Suite) expectCompressed(p *harness.Peer, want bool) {
	GinkgoHelper()
	sent, received := p.S2()
	Expect(received.Wire > 0).To(Equal(want), "S2 from the target")
	Expect(sent.Wire > 0).To(Equal(want), "S2 to the target")
}

// insideInfo is the first INFO that the target has sent inside S2; an empty one if none came.
func insideInfo(p *harness.Peer) *wire.InfoBody {
	for _, seen := range ofKind(p.Seen(), wire.Info) {
		if seen.S2 {
			return seen.Op.InfoBody
		}
	}
	return &wire.InfoBody{}
}

// expectBothWays has interest and a message cross a route in each direction.
func (s *Suite) expectBothWays(ctx SpecContext, p *harness.Peer) {
	GinkgoHelper()
	c := s.witness(ctx)
	s.Send(p, wire.NewSub(s.Account(), s.Subject("orders")))
	s.Fence(ctx, p)
	s.ExpectCarries(ctx, p, c, "interest and message of a client")
	news := s.Subscribe(c, s.Subject("news"))
	s.Flush(ctx, c)
	s.Send(p, wire.NewMsg(s.Account(), s.Subject("news"), "", []byte("in")))
	s.PeerToClients(ctx, p, c)
	Expect(s.Received(news)).To(s.BeMessages(delivery{s.Subject("news"), "", "in"}), "a message of the peer")
}

func compressionUnknown(s *Suite) {
	unknown := func(mode string) harness.PeerOption {
		return harness.WithInfo(func(i *wire.InfoBody) { i.Compression = mode })
	}
	for _, target := range willingToS2 {
		It(fmt.Sprintf("that nobody knows is refused by a target with %q", target), s.Req("RT-COMP-008/"+dashed.Replace(target)), NeedsMode(target), func(ctx SpecContext) {
			s.refused(ctx, "A", unknown(unknownToAll))
		})
	}
	It("that nobody knows is named in the -ERR", s.Req("RT-COMP-009/text"), NeedsMode(modeAccept), func(ctx SpecContext) {
		s.ExpectRefusal(ctx, []string{"unsupported route compression mode", unknownToAll}, unknown(unknownToAll))
	})
	It("that nobody knows means nothing to a target that is off", s.Req("RT-COMP-011/off"), NeedsMode(modeOff), func(ctx SpecContext) {
		p := s.Join(ctx, "A", unknown(unknownToAll))
		s.expectBothWays(ctx, p)
	})
}
