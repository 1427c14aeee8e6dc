package harness

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net"
	"strings"
	"sync"
)

// idLength is that of a nats-server's id: an N and 55 characters of base32.
const idLength = 56

// identities makes server ids that look like those of real servers, carry the run's nonce and are never given twice.
type identities struct {
	mu    sync.Mutex
	nonce string
	count int
}

func (ids *identities) setNonce(nonce string) {
	ids.mu.Lock()
	defer ids.mu.Unlock()
	ids.nonce, ids.count = nonce, 0
}

// next returns N, the nonce, X, the count, X, and a filler drawn from both: the same nonce gives the same ids in the
// same order.
func (ids *identities) next() string {
	ids.mu.Lock()
	defer ids.mu.Unlock()
	if ids.nonce == "" {
		ids.nonce = rand.Text()[:10]
	}
	ids.count++
	id := fmt.Sprintf("N%sX%dX", strings.ToUpper(ids.nonce), ids.count)
	sum := sha256.Sum256([]byte(id))
	filler := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])
	if short := idLength - len(id); short > 0 {
		id += filler[:min(short, len(filler))]
	}
	return id
}

// reservation is a port on which nothing listens, and which nobody else can take while we hold it. Our peers announce
// it, so that a dial-back of the target is refused at once and disturbs nobody.
type reservation struct {
	mu   sync.Mutex
	held map[string]*boundSocket // by loopback host
}

// port returns the reserved port on host, 127.0.0.1 or ::1.
func (r *reservation) port(host string) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.held[host]; s != nil {
		return s.port, nil
	}
	s, err := bindSocket(host)
	if err != nil {
		return 0, fmt.Errorf("harness: cannot reserve a port on %s to announce: %w", host, err)
	}
	if r.held == nil {
		r.held = make(map[string]*boundSocket)
	}
	r.held[host] = s
	return s.port, nil
}

func (r *reservation) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.held {
		s.close()
	}
	r.held = nil
}

// announcedHost is the loopback host that a peer announces on a connection to remote: of the same family, so that the
// target's dial-back, if it comes, is refused rather than unroutable.
func announcedHost(remote net.Addr) string {
	if a, ok := remote.(*net.TCPAddr); ok && a.IP.To4() == nil {
		return "::1"
	}
	return "127.0.0.1"
}
