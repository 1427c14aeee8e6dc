package wire

import "testing"

// Only a body with a member that is unknown, or spelled as no server spells it, is decoded twice.
func TestHasOthers(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`:                   false,
		`null`:                 false,
		`"x"`:                  false,
		`[{"x":1}]`:            false,
		`{"server_id":"a"}`:    false,
		`{ "server_id" : "x"}`: false,
		`{"server_id":"a","import":{"allow":["x"],"deny":[]},"port":1}`: false,
		`{"server_id":"x\\","port":1,"domain":"\"x\":"}`:                false,
		`{"x":1}`:                                       true,
		"{\"x\"\n\t\r :1}":                              true,
		`{"Server_ID":"a"}`:                             true,
		`{"server_id\u0000":1}`:                         true,
		`{"import":{"allow":[]},"x":1}`:                 true,
		`{"import":{"allow":["]"]},"x":1}`:              true,
		`{"connect_urls":["a","b"],"port":1,"x":1}`:     true,
		`{"server_id":"\\","x":1}`:                      true,
		`{"server_id":"\"","x":1}`:                      true,
		`{"server_id":"a","port":1,"":{"server_id":1}}`: true,
	} {
		if got := hasOthers([]byte(text), infoNames); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
