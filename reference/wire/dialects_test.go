package wire

import "testing"

// anyFirst is the latest dialect without the gate, as on a connection that we dialled.
func anyFirst() Dialect {
	d := Latest()
	d.ConnectFirst = false
	return d
}

func mustDialect(t *testing.T, name string) Dialect {
	t.Helper()
	d, err := DialectByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
