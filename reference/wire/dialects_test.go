package wire

import "testing"

// anyFirst is the latest dialect without the gate, as on a connection that we dialled.
func anyFirst() Dialect {
	d := Latest()
	d.ConnectFirst = false
	return d
}

// tiny has limits that short inputs reach.
func tiny() Dialect {
	d := anyFirst()
	d.Name = "tiny"
	d.Limits = Limits{ControlLine: 16, SizeDigits: 3, Payload: 20, Buffered: 7}
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
