package harness

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// Piped is a process that answers each line on its standard input by a line on its standard output. It is not for concurrent use.
type Piped struct {
	e   *execution
	in  io.WriteCloser
	out *os.File
	buf *bufio.Reader
}

// SilentError says that a process that runs has not answered in time. It has been ended since.
type SilentError struct {
	Limit time.Duration
	Exit  Exit // what it said when it was asked where it is
}

func (e *SilentError) Error() string { return fmt.Sprintf("no answer within %v", e.Limit) }

// EndedError says that a process has ended, or has closed its output, instead of answering.
type EndedError struct{ Exit Exit }

func (e *EndedError) Error() string { return "the process has ended: " + e.Exit.State }

// BabbleError says that a process has written what is no answer: a line nobody has asked for, or one that has no end.
type BabbleError struct{ What string }

func (e *BabbleError) Error() string { return e.What }

// dumpLimit is how long a process that hangs may take to say where.
const dumpLimit = 3 * time.Second

// answerLimit bounds a line of an answer in bytes.
const answerLimit = 256 << 20

// StartPiped starts a command, which is cut into words as a shell does it, without a shell; data bounds its memory in bytes, 0: nothing does. The error is a
// *CommandError that names flag, with which the command was given. The caller stops it.
func StartPiped(flag, command string, data uint64) (*Piped, error) {
	words, err := splitWords(command)
	if err == nil && len(words) == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		return nil, &CommandError{Command: command, Reason: err.Error(), Flag: flag}
	}
	p := &Piped{e: &execution{cmd: exec.Command(words[0], words[1:]...), done: make(chan struct{}), output: &output{}}}
	p.e.cmd.Stderr = p.e.output
	p.e.cmd.WaitDelay = stopLimit
	if p.in, err = p.e.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	var theirs *os.File
	if p.out, theirs, err = os.Pipe(); err != nil {
		return nil, err
	}
	p.e.cmd.Stdout = theirs
	err = p.e.begin(data)
	if closed := theirs.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = p.out.Close()
		return nil, &CommandError{Command: command, Reason: startFault(err), Flag: flag}
	}
	p.buf = bufio.NewReaderSize(p.out, 64<<10)
	return p, nil
}

// PID is the process's number.
func (p *Piped) PID() int { return p.e.cmd.Process.Pid }

// Ask writes a line, which has its end, and reads the answer, which has none any more. The slice is the caller's. An error is a *SilentError, an *EndedError or a
// *BabbleError, and the process is of no use after it.
func (p *Piped) Ask(line []byte, limit time.Duration) ([]byte, error) {
	if n := p.buf.Buffered(); n > 0 {
		text, _ := p.buf.Peek(n)
		return nil, &BabbleError{"it wrote what nobody has asked for: " + Printable(string(text))}
	}
	interrupted := make(chan struct{})
	timer := time.AfterFunc(limit, func() {
		p.interrupt()
		close(interrupted)
	})
	_, wrong := p.in.Write(line)
	answer, err := p.read()
	if !timer.Stop() {
		<-interrupted
		<-p.e.done
		return nil, &SilentError{limit, p.exit()}
	}
	var babble *BabbleError
	if err == nil || errors.As(err, &babble) {
		return answer, err
	}
	return nil, p.ended(errors.Join(wrong, err))
}

// read reads a line without its end.
func (p *Piped) read() ([]byte, error) {
	var line []byte
	for {
		part, err := p.buf.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > answerLimit:
			return nil, &BabbleError{"an answer has no end: " + Printable(string(line))}
		}
	}
}

// interrupt makes a process that hangs say where, where it is of a kind that does, and ends it.
func (p *Piped) interrupt() {
	if tell(p.e.cmd, DumpStacks) == nil {
		select {
		case <-p.e.done:
		case <-time.After(dumpLimit):
		}
	}
	killGroup(p.e.cmd)
}

// ended is the error of a process whose output has ended.
func (p *Piped) ended(err error) error {
	select {
	case <-p.e.done:
		return &EndedError{p.exit()}
	case <-time.After(stopLimit):
	}
	killGroup(p.e.cmd)
	<-p.e.done
	exit := p.exit()
	exit.State = "it ran on with its output closed: " + err.Error()
	return &EndedError{exit}
}

func (p *Piped) exit() Exit { return Exit{State: p.e.state, Tail: p.e.output.last()} }

// Stop closes the input, which asks the process to end, and ends it after a while. It returns when it has ended.
func (p *Piped) Stop() {
	_ = p.in.Close()
	select {
	case <-p.e.done:
	case <-time.After(endingLimit):
		killGroup(p.e.cmd)
		<-p.e.done
	}
	_ = p.out.Close()
}
