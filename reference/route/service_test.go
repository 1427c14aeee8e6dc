package route

import (
	"fmt"
	"testing"

	"github.com/natsroute/natsroute/reference/wire"
)

// TestRequestInfo checks the header block of a request: made, added to, and with what the requester claims of itself replaced.
func TestRequestInfo(t *testing.T) {
	const info = "Nats-Request-Info: {\"acc\":\"OTHER\"}\r\n\r\n"
	for _, c := range []struct{ block, want string }{
		{"", "NATS/1.0\r\n" + info},
		{"NATS/1.0\r\n\r\n", "NATS/1.0\r\n" + info},
		{"NATS/1.0\r\nA: b\r\n\r\n", "NATS/1.0\r\nA: b\r\n" + info},
		{"NATS/1.0\r\nNats-Request-Info: {\"acc\":\"FALSE\"}\r\nA: b\r\n\r\n", "NATS/1.0\r\nA: b\r\n" + info},
	} {
		original := []byte(c.block + "data")
		ev := Publish{HeaderSize: len(c.block), Payload: original}
		ev.addHeader(requestInfo, requester{"OTHER"})
		if got := string(ev.Payload[:ev.HeaderSize]); got != c.want || string(ev.Payload[ev.HeaderSize:]) != "data" {
			t.Errorf("%q became %q", c.block, ev.Payload)
		}
		if string(original) != c.block+"data" {
			t.Errorf("the client's bytes became %q", original)
		}
	}
}

// TestAnswersAreBounded checks that requests that nobody answers do not pile up for ever, and that the latest is still known.
func TestAnswersAreBounded(t *testing.T) {
	n, err := New(Config{ID: "T", Cluster: "C", Dialect: wire.Latest(), Shares: []Share{{From: "A", To: "B", Service: "s"}}})
	if err != nil {
		t.Fatal(err)
	}
	n.Step(noTime, Subscribe{Sub: 1, Account: "A", Subject: "s"})
	n.Step(noTime, Subscribe{Sub: 2, Account: "B", Subject: "r.*"})
	var last []byte
	for i := range maxAnswers + 10 {
		for _, a := range n.Step(noTime, Publish{Account: "B", Subject: []byte("s"), Reply: fmt.Append(nil, "r.", i)}) {
			if a.Kind == Deliver {
				last = append([]byte(nil), a.Op.Reply...)
			}
		}
	}
	if got := len(n.answers.waiting); got != maxAnswers || len(n.answers.order) != maxAnswers {
		t.Errorf("%d answers waited for, want %d", got, maxAnswers)
	}
	actions := n.Step(noTime, Publish{Account: "A", Subject: last})
	if len(actions) != 1 || actions[0].Sub != 2 || string(actions[0].Op.Subject) != fmt.Sprint("r.", maxAnswers+9) {
		t.Errorf("the last answer caused %+v", actions)
	}
}

// TestServicesInCircles checks that accounts that import each other's service under one name do not pass a request on for ever.
func TestServicesInCircles(t *testing.T) {
	n, err := New(Config{ID: "T", Cluster: "C", Dialect: wire.Latest(), Shares: []Share{
		{From: "A", To: "B", Service: "s"}, {From: "B", To: "A", Service: "s"}, {From: "C", To: "A", Service: "s"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	n.Step(noTime, Subscribe{Sub: 1, Account: "C", Subject: "s"})
	n.Step(noTime, Subscribe{Sub: 2, Account: "B", Subject: "s"})
	gets := map[SubID]int{}
	for _, a := range n.Step(noTime, Publish{Account: "B", Subject: []byte("s")}) {
		gets[a.Sub]++
	}
	if gets[1] != 1 || gets[2] == 0 {
		t.Errorf("a request in B reached %v", gets)
	}
}
