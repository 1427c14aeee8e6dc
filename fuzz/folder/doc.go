// Package folder is what a fuzzer leaves on disk: findings, corpus, suspects, and the ledger of what was sent last. Everything
// is text of the fuzzer's own; the package knows nothing of what it means.
//
// A process that is killed at any moment loses nothing: every file is written beside its place and renamed, so that it is whole or not
// there, and what is about to be sent stands in the ledger before.
//
//	findings/BUCKET.txt   one for each bucket, for people and for replay
//	corpus/SHA16.txt      cases that showed something new
//	suspects/N.txt        what an oracle objected to and nobody has confirmed yet
//	rare/BUCKET.txt       what has ended the target, and does not each time
//	ledger/N              what worker N sent last
//	status.jsonl          a line now and then of how far the run has come
package folder
