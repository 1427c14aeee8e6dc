package pipe

import (
	"encoding/json"
	"time"

	"github.com/natsroute/natsroute/harness"
)

// Process is a parser that was started. It is not for concurrent use.
type Process struct{ piped *harness.Piped }

// Flag is the flag that commands of parsers are given with.
const Flag = "--parser"

// Start starts a parser; data bounds its memory in bytes, 0: nothing does. The error is a *harness.CommandError. The caller stops it.
func Start(command string, data uint64) (*Process, error) {
	piped, err := harness.StartPiped(Flag, command, data)
	if err != nil {
		return nil, err
	}
	return &Process{piped}, nil
}

// Ask sends a request and reads the answer. An error is a *harness.SilentError, a *harness.EndedError or a *harness.BabbleError, and the process is of no
// use after it.
func (p *Process) Ask(r *Request, limit time.Duration) (Answer, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return Answer{}, err
	}
	text, err := p.piped.Ask(append(line, '\n'), limit)
	if err != nil {
		return Answer{}, err
	}
	a, err := ParseAnswer(text)
	if err != nil {
		return Answer{}, &harness.BabbleError{What: "an answer is none: " + err.Error() + ": " + harness.Printable(string(text))}
	}
	return a, nil
}

// PID is the process's number.
func (p *Process) PID() int { return p.piped.PID() }

// Stop asks the process to end by the end of its input, and ends it after a while.
func (p *Process) Stop() { p.piped.Stop() }
