// Package overnight runs fuzzers for hours without anybody at hand, and tells in the morning what came of it.
//
//	Target ─┬─ Native  one fuzz target of a test binary, by the engine of Go
//	        └─ Live    natsroute fuzz, against a server that it starts or finds
//
//	choose by recent yield ─► a turn of one target ─► collect findings ─► prune ─► state on disk ─► choose …
//
// Targets are processes of their own: what crashes, hangs or takes all memory ends a turn and not the night. A heartbeat, one
// line of JSON a minute, tells how far the run is; the report is made from those lines and the state.
//
// Nothing is lost when the runner is killed. Findings and corpora are files of the targets before the runner hears of them; its
// own state is replaced whole at each turn and each heartbeat; a run that begins in a folder whose last run has not ended goes on
// with that run, and first collects what the turn that was cut had left.
//
// A finding is a bucket: what its target calls one defect, however many inputs show it. A bucket that the folder held before the run
// is known, and only a new one makes a run fail.
package overnight
