// Package fuzz states what holds for every input, once: properties of the parser, of the protocol machine and of subjects, each a
// function from one []byte to an error that says what is wrong. Every engine reaches them:
//
//	go test ./fuzz                      each seed of corpus/seeds, and a little more
//	go test -fuzz 'FuzzSession$' ./fuzz native fuzzing
//	go-fuzz, libFuzzer                  FuzzSession and so on of gofuzz.go, built with the tag gofuzz
//	Targets                             the table, for runners of our own
//
// An execution is one input from its first to its last byte: one stream, one body, or one sequence of package gen. Structured
// inputs are decoded by gen, so that the engines agree on what a byte means.
//
//	Parse      a stream: the parser against the naive one, its memory, its errors
//	Split      a stream and cuts: any chunking gives the same operations
//	RoundTrip  an operation: what is appended reads as what it was
//	Info       a body of INFO against a decoder that goes member by member
//	Connect    the same for CONNECT
//	Session    connections of one machine against a model of what it has to say, close, keep and deliver
//	PeerPair   two or three machines with clients: interest and delivery converge, nothing echoes, nothing goes in circles
//	Subjects   patterns and subjects against a naive matcher, and through the machine's tables
package fuzz
