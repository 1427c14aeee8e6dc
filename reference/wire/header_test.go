package wire

import "testing"

func TestHeaders(t *testing.T) {
	for block, want := range map[string]bool{
		"NATS/1.0\r\n\r\n":                      true,
		"NATS/1.0\r\nA: b\r\nC:d\r\n\r\n":       true,
		"NATS/1.0\r\nA:\r\n\r\n":                true,
		"NATS/1.0 503\r\n\r\n":                  true,
		"NATS/1.0 100 Idle\r\nA: b: c\r\n\r\n":  true,
		"":                                      false,
		"NATS/1.0":                              false,
		"NATS/1.0\r\n":                          false,
		"NATS/1.0\r\nA: b\r\n":                  false,
		"NATS/1.01\r\n\r\n":                     false,
		"nats/1.0\r\n\r\n":                      false,
		"NATS/1.0\r\nno colon\r\n\r\n":          false,
		"NATS/1.0\r\n: no key\r\n\r\n":          false,
		"NATS/1.0\r\nA: b\r\n\r\nand more":      false,
		"\r\n\r\n":                              false,
		" 503\r\n\r\n":                          false,
		"A: b\r\n\r\n":                          false,
		"NATS/1.0\nA: b\n\n":                    false,
		"NATS/1.0\r\nA: b\r\n\r\n\r\n":          false,
		"HTTP/1.1 200 OK\r\nServer: none\r\n\r": false,
	} {
		if got := ValidHeader([]byte(block)); got != want {
			t.Errorf("%q: %v", block, got)
		}
	}
	for payload, want := range map[string]int{
		"NATS/1.0\r\nA: b\r\n\r\nhello":          18,
		"NATS/1.0\r\n\r\n":                       12,
		"NATS/1.0\r\n\r\nNATS/1.0\r\n\r\n":       12,
		"hello":                                  0,
		"NATS/1.0 and so on":                     0,
		"NATS/1.0\r\nthis is no header\r\n\r\nx": 0,
		"":                                       0,
	} {
		block, data := SplitHeader([]byte(payload))
		if len(block) != want || string(block)+string(data) != payload {
			t.Errorf("%q: %q and %q", payload, block, data)
		}
	}
}
