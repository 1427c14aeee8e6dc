package live

import "testing"

// What was taken for a defect of a healthy server once, and was a mistake of the fuzzer.
func TestFalseAlarmsOfThePast(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ why, launch, text string }{
		{"a message of a connection that has ended is on its way to the witness, and was taken for one of the next sequence", "nats-server@v2.15.2", `natsroute sequence 1
0 send "CONNECT" object end "\r\n"
    member "\"cluster\"" "\"@cluster@\""
0 send "INFO" object end "\r\n"
    member "\"server_id\"" "\"@id@\""
    member "\"cluster\"" "\"@\""
0 send "HMSG" " $G" " $G" " @size@" " @size@" end "\r\n" payload "" "\r\n"
0 end

natsroute sequence 1
0 send "HMSG" end "\r\n"
`},
		{"S2 begins behind what the reference does not survive, and was taken for babble", "nats-server@v2.15.2", `natsroute sequence 1
0 send "CONNECT" object end "\r\n"
    member "\"cluster\"" "\"@cluster@\""
0 send "SUB" " $G" end "\r\n"
0 send "INFO" object end "\r\n"
    member "\"compression\"" "\"s2_uncompressed\""
`},
		{"messages that were under way when a connection was pinned were taken for babble", "nats-server@v2.15.2", `natsroute sequence 1
0 send "CONNECT" object end "\r\n"
    member "\"cluster\"" "\"@cluster@\""
0 send "RS+" " $G" " s.>" " $G" " 1" end "\r\n"
client send "PUB" " s.b" " @size@" end "\r\n" payload "" "\r\n"
0 send "INFO" object end "\r\n"
    member "\"route_account\"" "\"A\""
`},
		{"a payload swallowed the barrier, and nothing was waited for", "nats-server@v2.15.2", `natsroute sequence 1
0 send "CONNECT" object end "\r\n"
    member "\"cluster\"" "\"@cluster@\""
0 send "INFO" object end "\r\n"
    member "\"server_id\"" "\"@id@\""
0 send "HMSG" " $G" " $G" " 2" " 8" end "\r\n" payload "ok" "\r\n"
`},
		{"a payload swallowed the barrier behind an earlier one", "nats-server@v2.15.2", `natsroute sequence 1
0 send "CONNECT" object end "\r\n"
    member "\"cluster\"" "\"@cluster@\""
client send "PUB" " 1" " foo" end "\r\n"
0 send "HMSG" " $G" " $G" " 1" " 7" end "\r\n" payload "I" "\r\n"
`},
		{"a client subscribed while a connection was within an operation", "nats-server@v2.15.2", `natsroute sequence 1
0 send "CONNECT" object end "\r\n"
    member "\"cluster\"" "\"@cluster@\""
0 send "RMSG" " $G" " s.a" " @size@" end "\r\n" payload "" "\r\n"
0 send "RMSG" " $G" " foo" " 9" end "\r\n"
client send "SUB" " s.a" " 1" end "\r\n"
0 send "RS-" end "\r\n"
`},
		{"news of the system account came to a peer that wanted them", "nats-server@v2.9.25", `natsroute sequence 1
0 send "CONNECT" object end "\r\n"
    member "\"cluster\"" "\"@cluster@\""
0 send "RS+" " $SYS" " >" " $G" " 2" end "\r\n"
`},
		{"interest stays where CONNECT takes back what INFO said of leafs, and took a message of the group when the sequence came again", "nats-server@v2.12.15", `natsroute sequence 1
0 send "CONNECT" object end "\r\n"
    member "\"name\"" "\"@id@\""
    member "\"cluster\"" "\"@cluster@\""
0 send "INFO" object end "\r\n"
    member "\"server_id\"" "\"@id@\""
    member "\"lnocu\"" "true"
0 send "RS+" " $G" " s.a" " q" " 3" end "\r\n"
client send "PUB" " s.a" " @size@" end "\r\n" payload "" "\r\n"
0 send "CONNECT" object end "\r\n"
    member "\"cluster\"" "\"@cluster@\""

natsroute sequence 1
0 send "CONNECT" object end "\r\n"
    member "\"cluster\"" "\"@cluster@\""
0 send "RS+" " $G" " s.a" " q" " 3" end "\r\n"
client send "PUB" " s.a" " @size@" end "\r\n" payload "" "\r\n"
`},
	} {
		t.Run(c.why, func(t *testing.T) {
			released(t, c.launch)
			f := must[*Finding](t)(parseFinding(c.text))
			for range 3 {
				if replayed := must[Replayed](t)(Replay(t.Context(), Config{Launch: c.launch}, f, false)); replayed.Verdict != VerdictPass {
					t.Errorf("replay says %s, %+v", replayed.Verdict, replayed.Symptom)
				}
			}
		})
	}
}
