package route

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the diagram into doc.go")

var stateNames = [...]string{
	greeted: "greeted", connected: "connected", solicited: "solicited", compressing: "compressing", registered: "registered", closed: "closed",
}

var inputNames = [inputs]string{
	inConnect: "CONNECT", inInfo: "INFO", inInfoS2: "INFO that asks for S2", inPing: "PING", inPong: "PONG",
	inInterest: "RS+ RS- LS+ LS-", inMessage: "RMSG HMSG LMSG", inNoise: "+OK A+ A-", inErr: "-ERR", inMalformed: "malformed bytes",
	inPingDue: "time for PING", inInfoDue: "time is up for INFO", inConnectDue: "time is up for CONNECT", inShutdown: "shutdown",
}

var handlerNames = [handlers]string{
	checkConnect: "check CONNECT", startS2: "start S2", registerRoute: "register the route", updateRoute: "take up the news", answerPing: "answer PONG",
	takePong: "note life", takeInterest: "take in interest", routeMessage: "deliver locally", ignore: "ignore", refuse: "refuse",
	hangUp: "hang up", explain: "say what is wrong", pingPeer: "send PING", giveUp: "give up", giveUpOnAuth: "give up", stop: "stop",
}

func TestDiagram(t *testing.T) {
	const begin, end = "// BEGIN DIAGRAM\n", "// END DIAGRAM\n"
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		t.Fatal("doc.go has lost the marks around its diagram")
	}
	want := before + begin + diagram() + end + after
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatal("the diagram in doc.go is not that of the tables: run go test ./reference/route -run Diagram -update, and go test ./spec -run Protocol -update, which takes it over")
	}
	if err := os.WriteFile("doc.go", []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// diagram prints the tables as a block of doc comment.
func diagram() string {
	var b strings.Builder
	line := func(format string, args ...any) {
		b.WriteString(strings.TrimRight("//\t"+fmt.Sprintf(format, args...), " \t") + "\n")
	}
	b.WriteString("//\n")
	line("accepted ─┬─► greeted    where credentials are configured or the dialect has CONNECT first")
	line("          └─► connected  elsewhere")
	line("dialled ────► solicited")
	for s := range states {
		line("")
		line("%s", stateNames[s])
		printed := map[rule]bool{}
		for in := inConnect; in < inputs; in++ {
			r := rules[s][in]
			if printed[r] {
				continue
			}
			printed[r] = true
			line("  %-24s %-18s %s", inputNames[in], handlerNames[r.do], arrow(s, r.next))
			for other := in + 1; other < inputs; other++ {
				if rules[s][other] == r {
					line("  %s", inputNames[other])
				}
			}
		}
	}
	line("")
	line("closed: reasons, and -ERR texts where the close is not silent")
	for h := range handlers {
		for i, why := range mayClose[h] {
			name := ""
			if i == 0 {
				name = handlerNames[h]
			}
			line("  %-18s %s%s", name, closings[why].reason, quoted(closings[why].text))
		}
	}
	b.WriteString("//\n")
	return b.String()
}

func arrow(from, to state) string {
	if from == to {
		return ""
	}
	return "──► " + stateNames[to]
}

func quoted(text string) string {
	if text == "" {
		return ""
	}
	return ": '" + text + "'"
}

// TestTablesAreWhole holds the tables to what the code relies on: no empty cell, no name missing, no cause without a
// reason, and every cause found by some handler.
func TestTablesAreWhole(t *testing.T) {
	for s := range states {
		for in := inConnect; in < inputs; in++ {
			if rules[s][in].do == noHandler {
				t.Errorf("%s has no rule for %s", stateNames[s], inputNames[in])
			}
		}
		if rules[s][inMalformed].do != explain {
			t.Errorf("%s: malformed bytes must go to explain, see Node.malformed", stateNames[s])
		}
	}
	for h := noHandler + 1; h < handlers; h++ {
		if handlerNames[h] == "" {
			t.Errorf("handler %d has no name", h)
		}
	}
	found := map[cause]bool{
		otherClusterNow: true, // by adoptCluster, on the routes of the old cluster
		accountUnpinned: true, // by unpin
		routeGone:       true, // by reloadRoutes

		compressionChanged: true, // by reloadCompression
	}
	for _, list := range mayClose {
		for _, why := range list {
			found[why] = true
		}
	}
	for why := fine + 1; why < causes; why++ {
		if closings[why].reason == "" {
			t.Errorf("cause %d has no reason", why)
		}
		if !found[why] {
			t.Errorf("cause %d (%s) is found by no handler", why, closings[why].reason)
		}
	}
}
