// Package pipe speaks to a parser that is not ours, over its standard input and output, in the line protocol of corpus/README.md
// ("Playing the vectors on your parser"): one JSON object a line, each answered by one line before the next is written.
//
//	Request ──► parser ──► Answer        Process: a parser that was started
//	Request ──► Read   ──► Answer        the reference, in the same words
//
// Difference compares two answers as the vectors do: operations with what they carry, the layer of the error, its token. It is no stricter: what
// the protocol cannot say, the text of an argument that is no UTF-8, is not compared.
package pipe
