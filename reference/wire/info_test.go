package wire_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	. "github.com/natsroute/natsroute/reference/wire"
	"github.com/natsroute/natsroute/reference/wire/naive"
)

// everyInfo and everyConnect hold every member that a server from 2.1.2 to 2.15.2 has in the structs it decodes on a route,
// each with a value that is not its zero value.
const (
	everyInfo = `{"server_id":"a","server_name":"b","version":"2.15.2","proto":3,"git_commit":"c","go":"go1","host":"h","port":1,` +
		`"headers":true,"auth_required":true,"tls_required":true,"tls_verify":true,"tls_available":true,"max_payload":2,` +
		`"jetstream":true,"ip":"nats-route://h:1/","client_id":3,"client_ip":"i","nonce":"n","cluster":"C1",` +
		`"cluster_dynamic":true,"domain":"d","connect_urls":["u:1"],"ws_connect_urls":["w:1"],"ldm":true,"compression":"off",` +
		`"connect_info":true,"remote_account":"r","acc_is_sys":true,"api_lvl":4,` +
		`"import":{"allow":["a.\u003e"],"deny":["b"]},"export":{"allow":["c"]},"lnoc":true,"lnocu":true,"ln":true,` +
		`"info_on_connect":true,"route_pool_size":5,"route_pool_idx":6,"route_account":"A","route_acc_add_reqid":"q",` +
		`"gossip_mode":2,"gateway":"g","gateway_urls":["x"],"gateway_url":"y","gateway_cmd":7,"gateway_cmd_payload":"eA==",` +
		`"gateway_nrp":true,"gateway_iom":true,"leafnode_urls":["l"],"xkey":"X"}`
	everyConnect = `{"echo":true,"verbose":true,"pedantic":true,"user":"u","pass":"p","auth_token":"t","tls_required":true,` +
		`"headers":true,"name":"n","cluster":"C1","cluster_dynamic":true,"lnoc":true,"lnocu":true,"ln":true,"gateway":"g",` +
		`"lang":"go","version":"2","protocol":1,"account":"a","new_account":true,"nkey":"k","jwt":"j","sig":"s",` +
		`"no_responders":true,"proxy_sig":"x","remote_account":"r","import":{"allow":["a"]},"export":{"deny":["b"]}}`
)

// Each member has a field: none falls into Extra, none is lost.
func TestEveryMember(t *testing.T) {
	var info InfoBody
	if err := json.Unmarshal([]byte(everyInfo), &info); err != nil {
		t.Fatal(err)
	}
	allSet(t, reflect.ValueOf(info))
	if got, err := json.Marshal(info); err != nil || string(got) != everyInfo {
		t.Errorf("%s %v", got, err)
	}
	var connect ConnectBody
	if err := json.Unmarshal([]byte(everyConnect), &connect); err != nil {
		t.Fatal(err)
	}
	allSet(t, reflect.ValueOf(connect))
	if got, err := json.Marshal(connect); err != nil || string(got) != everyConnect {
		t.Errorf("%s %v", got, err)
	}
}

func allSet(t *testing.T, body reflect.Value) {
	t.Helper()
	for i := range body.NumField() {
		name := body.Type().Field(i).Name
		if body.Field(i).IsZero() != (name == "Extra") {
			t.Errorf("%s: %v", name, body.Field(i))
		}
	}
}

func TestBodyReading(t *testing.T) {
	rows := []struct {
		name, in string
		want     InfoBody
	}{
		{"{}", `{}`, InfoBody{}},
		{"null", `null`, InfoBody{}},
		{"null members leave the default", `{"server_id":null,"port":null,"connect_urls":null,"import":null}`, InfoBody{}},
		{"names in any case", `{"SERVER_ID":"a","Port":7}`, InfoBody{ServerID: "a", Port: 7}},
		{"the last wins", `{"server_id":"a","server_id":"b"}`, InfoBody{ServerID: "b"}},
		{"the last wins across case", `{"server_id":"a","Server_Id":"b"}`, InfoBody{ServerID: "b"}},
		{"escapes", `{"server_id":"\u003e\n"}`, InfoBody{ServerID: ">\n"}},
		{"invalid UTF-8", "{\"server_id\":\"\xff\"}", InfoBody{ServerID: "\ufffd"}},
		{"numbers at their ends", `{"max_payload":-2147483648,"client_id":18446744073709551615}`, InfoBody{MaxPayload: -1 << 31, ClientID: 1<<64 - 1}},
		{"long s folds to s", `{"\u017ferver_id":"a"}`, InfoBody{ServerID: "a"}},
		{
			"unknown members are kept",
			`{"b":{"x": [1, null]},"server_id":"a","a":"\u003c","null":null}`,
			InfoBody{ServerID: "a", Extra: map[string]json.RawMessage{
				"b": json.RawMessage(`{"x": [1, null]}`), "a": json.RawMessage(`"\u003c"`), "null": json.RawMessage("null"),
			}},
		},
		{
			"unknown members behind lists and objects",
			`{"import":{"allow":["a"],"deny":[]},"connect_urls":["u:1","[::1]:2"],"x":"]}"}`,
			InfoBody{
				Import: &SubjectPermission{Allow: []string{"a"}, Deny: []string{}}, ConnectURLs: []string{"u:1", "[::1]:2"},
				Extra: map[string]json.RawMessage{"x": json.RawMessage(`"]}"`)},
			},
		},
		{"unknown member, blanks before the colon", "{\"x\" \t\r:1}", InfoBody{Extra: map[string]json.RawMessage{"x": json.RawMessage("1")}}},
		{"known members of an inner object are unknown to nobody", `{"import":{"server_id":"a"}}`, InfoBody{Import: &SubjectPermission{}}},
		{"values that look like members", `{"server_id":"x","connect_urls":["x","\"x\":"],"domain":"\\"}`, InfoBody{
			ServerID: "x", ConnectURLs: []string{"x", `"x":`}, Domain: `\`,
		}},
	}
	for _, row := range rows {
		op, err := naive.One([]byte("INFO "+row.in+" \r\n"), Mode{})
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if !reflect.DeepEqual(*op.InfoBody, row.want) {
			t.Errorf("%s: %+v", row.name, *op.InfoBody)
		}
		if string(op.Body) != row.in {
			t.Errorf("%s: body %q", row.name, op.Body)
		}
	}
}

func TestExtraIsWritten(t *testing.T) {
	info := InfoBody{ServerID: "a", Extra: map[string]json.RawMessage{
		"z": json.RawMessage("{\n \"y\": 1}"), "b\"": json.RawMessage("null"), "c": nil, "port": json.RawMessage(`"1"`),
	}}
	op := NewInfo(&info)
	const want = `INFO {"server_id":"a","version":"","host":"","port":0,"max_payload":0,"b\"":null,"c":null,"port":"1","z":{"y":1}}`
	if got := op.String(); got != want {
		t.Errorf("%s", got)
	}
	connect := NewConnect(&ConnectBody{Extra: map[string]json.RawMessage{"x": json.RawMessage("1")}})
	if got := connect.String(); !strings.HasSuffix(got, `"name":"","x":1}`) {
		t.Errorf("%s", got)
	}

	info.Extra["bad"] = json.RawMessage("{")
	if _, err := json.Marshal(info); err == nil {
		t.Error("an Extra that is not JSON was marshalled")
	}
	defer func() {
		if recover() == nil {
			t.Error("an Extra that is not JSON was appended")
		}
	}()
	op.AppendTo(nil)
}

func TestBodyCloneIsDeep(t *testing.T) {
	var info InfoBody
	var connect ConnectBody
	if err := json.Unmarshal([]byte(strings.Replace(everyInfo, "{", `{"extra":[1],`, 1)), &info); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(strings.Replace(everyConnect, "{", `{"extra":[1],`, 1)), &connect); err != nil {
		t.Fatal(err)
	}
	a, b := Op{Kind: Info, InfoBody: &info}, Op{Kind: Connect, ConnectBody: &connect}
	beforeA, beforeB := a.String(), b.String()
	c, d := a.Clone(), b.Clone()
	if c.String() != beforeA || d.String() != beforeB {
		t.Errorf("clones differ: %s %s", &c, &d)
	}
	for _, list := range [][]string{
		c.InfoBody.ConnectURLs, c.InfoBody.WSConnectURLs, c.InfoBody.GatewayURLs, c.InfoBody.LeafNodeURLs,
		c.InfoBody.Import.Allow, c.InfoBody.Import.Deny, c.InfoBody.Export.Allow, d.ConnectBody.Import.Allow, d.ConnectBody.Export.Deny,
	} {
		list[0] = "changed"
	}
	c.InfoBody.GatewayCmdPayload[0]++
	c.InfoBody.Extra["extra"][1] = '2'
	d.ConnectBody.Extra["extra"][1] = '2'
	c.InfoBody.Extra["more"], d.ConnectBody.Extra["more"] = nil, nil
	if a.String() != beforeA || b.String() != beforeB {
		t.Errorf("the original changed: %s %s", &a, &b)
	}
}
