package live

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/natsroute/natsroute/reference/wire"
)

// witness is a client of the target that is subscribed to everything in its account: it sees what routes deliver. It gets nothing of
// what it publishes itself.
type witness struct {
	conn  net.Conn
	in    *bufio.Reader
	out   []byte
	sids  map[int]bool // in use by the current sequence
	got   []string
	hasty bool      // a case is being made smaller
	heard time.Time // when the server last answered
}

const (
	witnessSID = 1
	firstSID   = 1000 // of sequences
)

// dialWitness connects and subscribes.
func dialWitness(client string) (*witness, error) {
	u, err := url.Parse(client)
	if err != nil {
		return nil, err
	}
	conn, err := net.DialTimeout("tcp", u.Host, dialLimit)
	if err != nil {
		return nil, err
	}
	w := &witness{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), sids: map[int]bool{}}
	password, _ := u.User.Password()
	w.out = fmt.Appendf(w.out, "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false,\"headers\":true,\"lang\":\"go\",\"version\":\"1\",\"protocol\":1,\"user\":%q,\"pass\":%q}\r\n", u.User.Username(), password)
	w.out = fmt.Appendf(w.out, "SUB > %d\r\n", witnessSID)
	if err := w.barrier(); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("the client port: %w", err)
	}
	w.got = nil
	return w, nil
}

// do queues what the sequence asks the client to do.
func (w *witness) do(op *clientOp) {
	switch op.kind {
	case wire.Msg:
		w.out = append(append(w.out, "PUB "...), op.subject...)
		if op.reply != "" {
			w.out = append(append(w.out, ' '), op.reply...)
		}
		w.out = strconv.AppendInt(append(w.out, ' '), int64(len(op.payload)), 10)
		w.out = append(append(append(w.out, "\r\n"...), op.payload...), "\r\n"...)
	case wire.Sub:
		if !w.sids[op.sid] {
			w.sids[op.sid] = true
			w.out = append(append(w.out, "SUB "...), op.subject...)
			if op.queue != "" {
				w.out = append(append(w.out, ' '), op.queue...)
			}
			w.out = fmt.Appendf(w.out, " %d\r\n", firstSID+op.sid)
		}
	case wire.Unsub:
		if w.sids[op.sid] {
			delete(w.sids, op.sid)
			w.out = fmt.Appendf(w.out, "UNSUB %d\r\n", firstSID+op.sid)
		}
	}
}

// begin forgets what the last sequence left.
func (w *witness) begin() {
	w.got = w.got[:0]
	for sid := range w.sids {
		w.out = fmt.Appendf(w.out, "UNSUB %d\r\n", firstSID+sid)
	}
	clear(w.sids)
}

// idleLimit is how long a client may be silent: it answers no PING before it is asked for something, and servers close whom they take for dead.
const idleLimit = 500 * time.Millisecond

// awake tells whether a client that was idle for long is still connected.
func (w *witness) awake() bool { return time.Since(w.heard) < idleLimit || w.barrier() == nil }

// barrier sends what is queued and reads until the server has answered a PING behind it.
func (w *witness) barrier() error {
	w.out = append(w.out, ping...)
	limit := answerLimit
	if w.hasty {
		limit /= haste
	}
	_ = w.conn.SetDeadline(time.Now().Add(limit))
	_, err := w.conn.Write(w.out)
	w.out = w.out[:0]
	if err != nil {
		return err
	}
	for {
		pong, err := w.readOp()
		if pong {
			w.heard = time.Now()
		}
		if pong || err != nil {
			return err
		}
	}
}

// readOp reads one operation of the server; true: it is a PONG.
func (w *witness) readOp() (pong bool, err error) {
	line, err := w.in.ReadString('\n')
	if err != nil {
		return false, err
	}
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return false, errors.New("an empty line")
	}
	switch fields[0] {
	case "PONG":
		return true, nil
	case "PING":
		_, err = w.conn.Write([]byte("PONG\r\n"))
		return false, err
	case "INFO", "+OK":
		return false, nil
	case "MSG", "HMSG":
		return false, w.readMessage(line)
	}
	return false, fmt.Errorf("the client port says %.80q", line)
}

// readMessage reads MSG subject sid [reply] size, HMSG subject sid [reply] header size. Subjects may hold any byte but blanks.
func (w *witness) readMessage(line string) error {
	f := strings.FieldsFunc(strings.TrimRight(line, "\r\n"), func(r rune) bool { return r == ' ' || r == '\t' })
	headers := 0
	if f[0] == "HMSG" {
		headers = 1
	}
	if len(f) < 4+headers || len(f) > 5+headers {
		return fmt.Errorf("the client port says %.80q", line)
	}
	size, err := strconv.Atoi(f[len(f)-1])
	if err != nil || size < 0 || size > 1<<30 {
		return fmt.Errorf("the client port says %.80q", line)
	}
	header := 0
	if headers == 1 {
		header, _ = strconv.Atoi(f[len(f)-2])
	}
	reply := ""
	if len(f) == 5+headers {
		reply = f[3]
	}
	payload := make([]byte, size+2)
	if _, err := io.ReadFull(w.in, payload); err != nil {
		return err
	}
	if string(payload[size:]) != "\r\n" {
		return fmt.Errorf("the client port ends a message of %d bytes with %q", size, payload[size:])
	}
	w.got = append(w.got, deliveryToken([]byte(f[1]), []byte(reply), header, payload[:size]))
	return nil
}

func (w *witness) close() { _ = w.conn.Close() }
