package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

const (
	stopLimit   = time.Second            // for a launched server to end by itself when asked to
	endingLimit = 250 * time.Millisecond // for the news of its end to reach us
)

// process is the engine of a launched target.
type process struct {
	command string // as the operator wrote it
	argv    []string
	dir     string // of its configuration, removed at the end
	log     string
	rewrite func(edit func(*Setup)) error // writes its configuration anew; nil: it has none of ours

	mu   sync.Mutex
	last *execution // the latest start; nil: none
}

// execution is one run of a process.
type execution struct {
	cmd    *exec.Cmd
	output *output
	done   chan struct{} // closed when it has ended
	state  string        // how; set before done is closed
}

// start runs the command.
func (p *process) start() error {
	e := &execution{cmd: exec.Command(p.argv[0], p.argv[1:]...), done: make(chan struct{}), output: &output{}}
	if p.log != "" {
		file, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return fmt.Errorf("harness: the log of the launched server: %w", err)
		}
		e.output.file = file
	}
	e.cmd.Stdout, e.cmd.Stderr = e.output, e.output
	e.cmd.WaitDelay = stopLimit // for children of its own that keep its output open
	if err := e.begin(0); err != nil {
		return &CommandError{Command: p.command, Reason: startFault(err)}
	}
	p.mu.Lock()
	p.last = e
	p.mu.Unlock()
	return nil
}

// begin starts the process in a group of its own, with that bound of its memory, and waits for its end. The goroutine that starts it keeps its
// thread until the end, for on Linux a child that is to die with us dies with the thread that made it.
func (e *execution) begin(data uint64) error {
	ownGroup(e.cmd)
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := e.cmd.Start()
		if err == nil && data > 0 {
			limitData(e.cmd.Process.Pid, data)
		}
		started <- err
		if err == nil {
			e.wait()
		}
	}()
	err := <-started
	if err != nil {
		e.output.close()
	}
	return err
}

// startFault words why a command cannot be started.
func startFault(err error) string {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return "there is no such program (a program in this folder is written ./NAME)"
	}
	return "it cannot be started: " + err.Error()
}

func (e *execution) wait() {
	err := e.cmd.Wait()
	killGroup(e.cmd) // what it may have left behind
	e.state = e.cmd.ProcessState.String()
	if err != nil && e.state == "" {
		e.state = err.Error()
	}
	e.output.close()
	close(e.done)
}

func (p *process) current() *execution {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

func (p *process) exited() *Exit {
	e := p.current()
	if e == nil {
		return nil
	}
	select {
	case <-e.done:
		return &Exit{State: e.state, Tail: e.output.last()}
	default:
		return nil
	}
}

// awaitEnd bridges the moment between the system closing the sockets of a dying process and telling us of its end.
func (p *process) awaitEnd(ctx context.Context) {
	e := p.current()
	if e == nil {
		return
	}
	limit := time.NewTimer(endingLimit)
	defer limit.Stop()
	select {
	case <-e.done:
	case <-limit.C:
	case <-ctx.Done():
	}
}

func (p *process) failure(err error) error {
	failure := &LaunchError{Command: p.command, Reason: fmt.Sprintf("no INFO on its route port within %v: %v", readyLimit, err)}
	var other *NotARoute
	if errors.As(err, &other) && !isUnopened(err) {
		failure.Reason = "its route port is none: " + err.Error()
	}
	if exit := p.exited(); exit != nil {
		failure.Reason = "it has ended: " + exit.State
	}
	if e := p.current(); e != nil {
		failure.Tail = e.output.last()
	}
	return failure
}

func (p *process) restart(context.Context) error {
	p.end()
	return p.start()
}

// end asks the process to end, and its group after a while. It returns when it has.
func (p *process) end() {
	e := p.current()
	if e == nil {
		return
	}
	select {
	case <-e.done:
		return
	default:
	}
	askToEnd(e.cmd)
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-e.done:
	case <-limit.C:
		killGroup(e.cmd)
		<-e.done
	}
}

func (p *process) order(_ context.Context, o Order) error {
	e := p.current()
	if e == nil || p.exited() != nil {
		return errors.New("harness: the launched server has ended")
	}
	return tell(e.cmd, o)
}

func (p *process) reconfigure(_ context.Context, edit func(*Setup)) error {
	if p.rewrite == nil || !canReload {
		return ErrNoOrders
	}
	if err := p.rewrite(edit); err != nil {
		return err
	}
	return reload(p.current().cmd)
}

func (p *process) stop() error {
	p.end()
	return os.RemoveAll(p.dir)
}

// output takes what a process writes: into the file, if there is one, and the last of it into memory.
type output struct {
	mu   sync.Mutex
	file io.WriteCloser
	tail []byte
}

const outputTail = 64 << 10 // the stacks of a server with some dozens of goroutines

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil {
		_, _ = o.file.Write(b) // a full disk must not stop the server
	}
	o.tail = append(o.tail, b...)
	if len(o.tail) > 2*outputTail {
		o.tail = append(o.tail[:0], o.tail[len(o.tail)-outputTail:]...)
	}
	return len(b), nil
}

func (o *output) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.tail[max(0, len(o.tail)-outputTail):])
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil {
		_ = o.file.Close()
		o.file = nil
	}
}
