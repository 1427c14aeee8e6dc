package harness

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/natsroute/natsroute/reference/server"
	"github.com/natsroute/natsroute/reference/wire"
)

// leafVersions: 2.1.2 knows no leaf origin, 2.9.25 is the last whose LS- on a route has none, 2.15.2 has a word for leafs
// without a cluster.
var leafVersions = []string{"v2.1.2", "v2.5.0", "v2.9.25", "v2.10.27", "v2.15.2"}

func TestLeafParserReadsAnyChunks(t *testing.T) {
	stream := "INFO {\"server_id\":\"T\"} \r\nLS+ $LDS.x\r\nls+ a q 3\r\nLS- a q\r\nLMSG a 5\r\nL\r\nLS\r\nLMSG a + r q1 q2 0\r\n\r\nHMSG a 2 3\r\nhhp\r\nPING\r\n"
	want := []string{"RS+ $LDS.x", "RS+ a q 3", "RS- a q", "RMSG a 5", "RMSG a + r q1 q2 0", "HMSG a 2 3", "PING"}
	for size := range len(stream) {
		in := newIncoming("L", true)
		in.parser = newLeafParser()
		var raw []byte
		for chunk := range slices.Chunk([]byte(stream), size+1) {
			in.take(chunk, 0)
		}
		for _, s := range in.seen {
			raw = append(raw, s.Raw...)
		}
		if diff := cmp.Diff(want, opsOf(in.seen[1:])); diff != "" || string(raw) != stream {
			t.Fatalf("in chunks of %d: %q (-want +got):\n%s", size+1, raw, diff)
		}
	}
	for _, foreign := range []string{"RS+ a\r\n", "rmsg a 1\r\nx\r\n", "LS+\r\n", "MSG a 1\r\nx\r\n"} {
		in := newIncoming("L", true)
		in.parser = newLeafParser()
		in.take([]byte("PING\r\n"+foreign), 0)
		var broken *MalformedError
		if !errors.As(in.broken, &broken) || len(in.seen) != 1 || !strings.HasPrefix(foreign, string(broken.Near)) {
			t.Errorf("%q: %v, %d operations", foreign, in.broken, len(in.seen))
		}
	}
}

func TestLeafWantsWhatTheOperatorKnows(t *testing.T) {
	none := value[*Target](t)(External(Means{Route: "127.0.0.1:6222"}))
	if _, err := none.JoinLeaf(t.Context(), "L", ""); !errors.Is(err, ErrNoLeafnode) {
		t.Errorf("%v", err)
	}
	some := value[*Target](t)(External(Means{Route: "127.0.0.1:6222", Client: "nats://127.0.0.1:4222", Leafnode: "127.0.0.1:7422"}))
	var unknown *NoAccountError
	if _, err := some.JoinLeaf(t.Context(), "L", "ACC"); !errors.As(err, &unknown) {
		t.Errorf("%v", err)
	}
}

func TestLeafsOnRealServers(t *testing.T) {
	setup, ok := SetupNamed("leafnode")
	if !ok {
		t.Fatal("there is no setup with a leafnode port")
	}
	for _, version := range leafVersions {
		t.Run(version, func(t *testing.T) {
			tg := launchReal(t, version, LaunchConfig{Setup: setup})
			for _, cluster := range []string{"", "LC"} {
				t.Run("cluster "+cluster, func(t *testing.T) { leafAndRoute(t, tg, cluster) })
			}
			t.Run("account", func(t *testing.T) { leafOfAccount(t, tg) })
		})
	}
}

func TestLeafsOnTheReference(t *testing.T) {
	s := value[*server.Server](t)(server.New(server.Config{Cluster: "C", LeafPort: -1}))
	must(t, s.Start(t.Context()))
	defer func() { must(t, s.Close()) }()
	tg := value[*Target](t)(External(Means{Route: s.RouteAddr(), Leafnode: s.LeafAddr()}))
	defer func() { must(t, tg.Close()) }()
	for _, cluster := range []string{"", "LC"} {
		t.Run("cluster "+cluster, func(t *testing.T) { leafAndRoute(t, tg, cluster) })
	}
}

// leafAndRoute sends interest and messages of a leaf to a route, and back.
func leafAndRoute(t *testing.T, tg *Target, cluster string) {
	origins := WithInfo(func(i *wire.InfoBody) { i.LNOC, i.LNOCU = true, true })
	p := value[*Peer](t)(tg.Join(deadline(t), "A", origins))
	var opts []PeerOption
	if cluster != "" {
		opts = append(opts, LeafCluster(cluster))
	}
	leaf := value[*Peer](t)(tg.JoinLeaf(deadline(t), "L", "", opts...))
	in := "t" + cluster + "."
	must(t, leaf.Send(wire.NewSub("", in+"x"), wire.NewQueueSub("", in+"q", "grp", 1)))
	must(t, leaf.Fence(deadline(t)))
	must(t, p.Send(wire.NewMsg("$G", in+"x", "", []byte("down")), wire.NewQueueMsg("$G", in+"q", "rr", []string{"grp"}, []byte("hi")),
		wire.NewSub("$G", in+"up"), wire.NewQueueSub("$G", in+"upq", "grp", 1)))
	must(t, p.Fence(deadline(t)))
	must(t, leaf.Fence(deadline(t)))
	must(t, leaf.Send(wire.NewMsg("", in+"up", "", []byte("up")), wire.NewQueueMsg("", in+"upq", "rr", []string{"grp"}, []byte("hi")),
		wire.NewUnsub("", in+"x"), wire.NewQueueUnsub("", in+"q", "grp")))
	must(t, leaf.Fence(deadline(t)))
	must(t, p.Fence(deadline(t)))

	t.Logf("route %q", own(p.Seen(), in))
	if diff := cmp.Diff(acrossRoute(p.Info(), cluster), own(p.Seen(), in)); diff != "" {
		t.Errorf("the route saw (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"LMSG x 4", "LMSG q + rr grp 2", "LS+ up", "LS+ upq grp 1"}, own(leaf.Seen(), in)); diff != "" {
		t.Errorf("the leaf saw (-want +got):\n%s", diff)
	}
	must(t, leaf.Fence(deadline(t)))
	leaf.Leave()
	must(t, tg.Alive(deadline(t)))
}

// leafOfAccount gives interest to a named account, and meets the refusal of a cluster that is the target's.
func leafOfAccount(t *testing.T, tg *Target) {
	all := WithInfo(func(i *wire.InfoBody) { i.LNOC, i.LNOCU, i.LN = true, true, true })
	p := value[*Peer](t)(tg.Join(deadline(t), "B", all))
	leaf := value[*Peer](t)(tg.JoinLeaf(deadline(t), "L", "NRA"))
	must(t, leaf.Send(wire.NewSub("", "acc.x")))
	must(t, leaf.Fence(deadline(t)))
	must(t, p.Fence(deadline(t)))
	want := "RS+ NRA x"
	if p.Info().LN {
		want = "LS+ _ NRA x"
	}
	if diff := cmp.Diff([]string{want}, own(p.Seen(), "acc.")); diff != "" {
		t.Errorf("the route saw (-want +got):\n%s", diff)
	}
	if leaf.Info().Cluster != "" { // 2.9.25 and later tell leafs their cluster, and want another one
		_, err := tg.JoinLeaf(deadline(t), "M", "", LeafCluster(p.Info().Cluster))
		var closed *ClosedError
		if !errors.As(err, &closed) || closed.Closing.ErrText == "" {
			t.Errorf("a leaf of the target's own cluster: %v", err)
		}
	}
}

// acrossRoute is what a peer with lnoc and lnocu sees of the leaf, subjects without their prefix.
func acrossRoute(target *wire.InfoBody, cluster string) []string {
	if cluster == "" || !target.LNOC {
		return []string{"RS+ $G x", "RS+ $G q grp 1", "RMSG $G up 2", "RMSG $G upq + rr grp 2", "RS- $G x", "RS- $G q grp"}
	}
	unsub := "LS-  $G " // two blanks, for an origin that is not there
	if target.LNOCU {
		unsub = "LS- LC $G "
	}
	return []string{"LS+ LC $G x", "LS+ LC $G q grp 1", "LMSG LC $G up 0 2", "LMSG LC $G upq + rr grp 0 2", unsub + "x", unsub + "q grp"}
}

// own are the lines with subjects under a prefix, as received, without the prefix.
func own(seen []Seen, prefix string) []string {
	var all []string
	for _, s := range seen {
		if bytes.HasPrefix(s.Op.Subject, []byte(prefix)) {
			line, _, _ := strings.Cut(string(s.Raw), "\r\n")
			all = append(all, strings.Replace(line, prefix, "", 1))
		}
	}
	return all
}
