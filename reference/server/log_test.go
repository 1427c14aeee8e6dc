package server_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/natsroute/natsroute/reference/server"
)

// TestTrace checks that the log has the form of nats-server's -DV log, and that it tells no password.
func TestTrace(t *testing.T) {
	lines := make(chan string, 10000)
	log := func(line string) { lines <- line }
	a := start(t, server.Config{
		Cluster: "C", Log: log, Trace: true, RouteUser: "ru", RoutePassword: "route-secret",
		Accounts: map[string]server.User{"ACME": {Name: "a", Password: "client-secret"}},
	})
	b := start(t, server.Config{
		Cluster: "C", Log: log, Trace: true, Routes: []string{"nats-route://ru:route-secret@" + a.RouteAddr()},
		Accounts: map[string]server.User{"ACME": {Name: "a", Password: "client-secret"}},
	})
	ca, cb := connect(t, a.ClientURL(), nats.UserInfo("a", "client-secret")), connect(t, b.ClientURL(), nats.UserInfo("a", "client-secret"))
	sub := subscribe(t, ca, "traced", "")
	fence(t, cb, ca)
	publish(t, cb, "traced", "hello")
	next(t, sub)
	a.Close()
	b.Close()
	close(lines)

	missing := map[string]*regexp.Regexp{}
	for _, want := range []string{
		`^\[DBG\] 127\.0\.0\.1:\d+ - cid:\d+ - Client connection created$`,
		`^\[DBG\] 127\.0\.0\.1:\d+ - rid:\d+ - Route connection created$`,
		`^\[DBG\] Trying to connect to route on 127\.0\.0\.1:\d+$`,
		`^\[TRC\] 127\.0\.0\.1:\d+ - cid:\d+ - <<- \[CONNECT \{.*"pass":"\[REDACTED\]".*\}\]$`,
		`^\[TRC\] 127\.0\.0\.1:\d+ - rid:\d+ - <<- \[CONNECT \{.*"pass":"\[REDACTED\]".*\}\]$`,
		`^\[TRC\] 127\.0\.0\.1:\d+ - rid:\d+ - ->> \[CONNECT \{.*"pass":"\[REDACTED\]".*\}\]$`,
		`^\[TRC\] 127\.0\.0\.1:\d+ - rid:\d+ - ->> \[RS\+ ACME traced\]$`,
		`^\[TRC\] 127\.0\.0\.1:\d+ - rid:\d+ - <<- \[RS\+ ACME traced\]$`,
		`^\[TRC\] 127\.0\.0\.1:\d+ - cid:\d+ - <<- \[PUB traced 5\]$`,
		`^\[TRC\] 127\.0\.0\.1:\d+ - rid:\d+ - ->> \[RMSG ACME traced 5\]$`,
		`^\[TRC\] 127\.0\.0\.1:\d+ - rid:\d+ - <<- MSG_PAYLOAD: \["hello"\]$`,
		`^\[TRC\] 127\.0\.0\.1:\d+ - cid:\d+ - ->> \[MSG traced \d+ 5\]$`,
		`^\[DBG\] 127\.0\.0\.1:\d+ - rid:\d+ - Router connection closed: Server Shutdown$`,
	} {
		missing[want] = regexp.MustCompile(want)
	}
	for line := range lines {
		if strings.Contains(line, "secret") {
			t.Errorf("a password is in the log: %s", line)
		}
		for want, form := range missing {
			if form.MatchString(line) {
				delete(missing, want)
			}
		}
	}
	for want := range missing {
		t.Errorf("no line of the log matches %s", want)
	}
}
