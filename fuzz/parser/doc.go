// Package parser fuzzes a parser that is not ours, over its standard input and output, in the line protocol in which vectors are played on
// parsers (harness/pipe). Streams of one connection from package gen go to it whole and in pieces, and its answers are held against
// the reference's parser.
//
//	case ─► mask ─► ledger ─► whole, byte by byte, at line ends, at some places ─► answers ─► symptom ─► suspect
//	  ▲                                                              │                                │
//	  └──────── corpus of cases with new answers ◄───────────────────┘         confirm in a fresh process, minimise, bucket, store
//
// What is wrong: the process ends, does not answer in time, writes what is no answer, needs memory out of proportion; the answer to the
// whole stream is not the reference's; the answer to pieces is not that to the whole. As strict as vectors, and no stricter.
//
// A bucket that has been found is met again without another word, and what ends or hangs the parser is masked, so that the run goes on behind it.
// Nothing is lost when the fuzzer is killed: a case is in the worker's ledger before it is sent (package folder).
package parser
