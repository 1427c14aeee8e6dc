package spec

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/reference/wire"
)

// clusterDynamic: targets whose cluster name was generated. They run behind the specs that join futures, for a target ends
// its routes when it takes over a name; last of all the one that gives it a configured name, which it does not give up again.
func clusterDynamic(s *Suite) {
	const last, lastOfAll = SpecPriority(-2000), SpecPriority(-3000)

	It("of a peer is taken over by a target whose own was generated", s.Req("RT-ID-010/adopted"), lastOfAll, func(ctx SpecContext) {
		name := s.otherCluster()
		s.Join(ctx, "A", ofCluster(name, false)...)
		Expect(s.Dial(ctx, "B").Info().Cluster).To(Equal(name), "the cluster name in the INFO of the next connection")
	})

	It("that was generated gives way to a greater one that was too", s.Req("RT-ID-014/greater"), last, func(ctx SpecContext) {
		name := s.greater(ctx)
		s.Join(ctx, "A", ofCluster(name, true)...)
		Expect(s.Dial(ctx, "B").Info().Cluster).To(Equal(name), "the cluster name in the INFO of the next connection")
	})

	It("that was generated does not give way to a lesser one that was too", s.Req("RT-ID-015/lesser"), last, func(ctx SpecContext) {
		p := s.Dial(ctx, "A", ofCluster("!lesser", true)...)
		s.Send(p, p.Connect())
		s.ExpectClosed(ctx, p)
		Expect(s.Dial(ctx, "B").Info().Cluster).To(Equal(p.Info().Cluster), "the cluster name in the INFO of the next connection")
	})

	It("that was generated does not give way to the reserved one", s.Req("RT-ID-018/reserved"), last, func(ctx SpecContext) {
		p := s.Dial(ctx, "A", ofCluster("_", false)...)
		s.Send(p, p.Connect())
		s.ExpectClosed(ctx, p)
		Expect(s.Dial(ctx, "B").Info().Cluster).To(Equal(p.Info().Cluster), "the cluster name in the INFO of the next connection")
	})

	It("that was taken over is still announced as dynamic", s.Req("RT-ID-016/still-dynamic"), last, func(ctx SpecContext) {
		name := s.greater(ctx)
		s.Join(ctx, "A", ofCluster(name, true)...)
		info := s.Dial(ctx, "B").Info()
		Expect(info.Cluster).To(Equal(name), "the cluster name in the INFO of the next connection")
		Expect(info.ClusterDynamic).To(BeTrue(), "cluster_dynamic beside a generated name that was taken over")
	})

	It("that was given up ends the routes that had it", s.Req("RT-ID-017/others-closed"), last, func(ctx SpecContext) {
		former := s.Join(ctx, "A")
		s.Join(ctx, "B", ofCluster(s.greater(ctx), true)...)
		s.ExpectClosed(ctx, former)
	})
}

// ofCluster is a peer of that cluster, whose name is configured or was generated.
func ofCluster(name string, dynamic bool) []harness.PeerOption {
	connect := harness.WithConnect(func(connect *wire.ConnectBody) { connect.Cluster, connect.ClusterDynamic = name, dynamic })
	info := harness.WithInfo(func(info *wire.InfoBody) { info.Cluster, info.ClusterDynamic = name, dynamic })
	return []harness.PeerOption{connect, info}
}

// greater is a cluster name that is greater than the target's present one.
func (s *Suite) greater(ctx SpecContext) string {
	GinkgoHelper()
	return s.Dial(ctx, "before").Info().Cluster + "~"
}
