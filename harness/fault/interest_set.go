package fault

import (
	"bytes"
	"maps"
	"slices"
	"sync"

	"github.com/natsroute/natsroute/reference/wire"
)

// Interest is what one side of a connection has declared and not taken back. Safe for concurrent use.
type Interest struct {
	mu  sync.Mutex
	ops map[string]wire.Op
}

func interestKey(op *wire.Op) string {
	return string(bytes.Join([][]byte{op.Account, op.Subject, op.Queue}, []byte{0}))
}

// note follows RS+ and RS-.
func (i *Interest) note(op *wire.Op) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch op.Kind {
	case wire.Sub:
		if i.ops == nil {
			i.ops = make(map[string]wire.Op)
		}
		i.ops[interestKey(op)] = *op
	case wire.Unsub:
		delete(i.ops, interestKey(op))
	}
}

// Has finds what an RS+ or RS- is about.
func (i *Interest) Has(op *wire.Op) (wire.Op, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	found, ok := i.ops[interestKey(op)]
	return found, ok
}

// All is every RS+ in force, in an order that depends on nothing else.
func (i *Interest) All() []wire.Op {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []wire.Op
	for _, key := range slices.Sorted(maps.Keys(i.ops)) {
		all = append(all, i.ops[key])
	}
	return all
}

// Where is All that a condition holds for.
func (i *Interest) Where(keep func(*wire.Op) bool) []wire.Op {
	return slices.DeleteFunc(i.All(), func(op wire.Op) bool { return !keep(&op) })
}

// Matching is all interest in the subject of a message.
func (i *Interest) Matching(message *wire.Op) []wire.Op {
	return i.Where(func(op *wire.Op) bool {
		return bytes.Equal(op.Account, message.Account) && wire.Match(op.Subject, message.Subject)
	})
}

// sameSubject tells whether two are about one subject of one account.
func sameSubject(a, b *wire.Op) bool {
	return bytes.Equal(a.Account, b.Account) && bytes.Equal(a.Subject, b.Subject)
}
