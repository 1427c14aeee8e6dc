package fuzz

// Target is one property under its name. Its seeds are corpus/seeds/NAME in lower case.
type Target struct {
	Name  string
	Check func(data []byte) error
}

// Targets lists every property. The caller owns the slice.
func Targets() []Target {
	return []Target{
		{"Parse", CheckParse},
		{"Split", CheckSplit},
		{"RoundTrip", CheckRoundTrip},
		{"Info", CheckInfo},
		{"Connect", CheckConnect},
		{"Session", CheckSession},
		{"PeerPair", CheckPeerPair},
		{"Subjects", CheckSubjects},
	}
}
