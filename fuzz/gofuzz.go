//go:build gofuzz

package fuzz

// The entries of go-fuzz, and of libFuzzer by way of it: go-fuzz-build -func FuzzSession, and so on. An input that holds is one to keep
// if it means something, which the engine finds out by coverage alone; so every entry returns 0. One that does not hold
// panics, with what is wrong as the message.

func entry(check func([]byte) error, data []byte) int {
	if err := check(data); err != nil {
		panic(err)
	}
	return 0
}

func FuzzParse(data []byte) int     { return entry(CheckParse, data) }
func FuzzSplit(data []byte) int     { return entry(CheckSplit, data) }
func FuzzRoundTrip(data []byte) int { return entry(CheckRoundTrip, data) }
func FuzzInfo(data []byte) int      { return entry(CheckInfo, data) }
func FuzzConnect(data []byte) int   { return entry(CheckConnect, data) }
func FuzzSession(data []byte) int   { return entry(CheckSession, data) }
func FuzzPeerPair(data []byte) int  { return entry(CheckPeerPair, data) }
func FuzzSubjects(data []byte) int  { return entry(CheckSubjects, data) }

// FuzzEmpty does nothing: the floor that the others' rates are measured against.
func FuzzEmpty([]byte) int { return 0 }
