package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/natsroute/natsroute/fuzz"
)

// Two runs that differ in nonce, counters, ids and ports leave the same seeds.
func TestSeedsAreSteady(t *testing.T) {
	stream := func(nonce, upper, count, port string) []byte {
		id, other := "N"+upper+"X"+count+"XABCDEF", "N"+upper+"X9"+count[1:]+"XGHIJKL"
		return []byte("CONNECT {\"name\":\"" + id + "\",\"cluster\":\"C1\"}\r\n" +
			"INFO {\"server_id\":\"" + id + "\",\"host\":\"127.0.0.1\",\"port\":" + port + ",\"ip\":\"nats-route://127.0.0.1:" + port + "/\"}\r\n" +
			"INFO {\"server_id\":\"" + other + "\"}\r\n" +
			"RS+ $G nr" + nonce + "." + count + ".a\r\nRMSG $G nr" + nonce + "." + count + ".a 6\r\n" + nonce + "\r\n")
	}
	save := func(dir, nonce, upper, count, port string) {
		s := &seedStore{dir: dir}
		s.begin(nonce)
		s.sent()(stream(nonce, upper, count, port))
		s.sent()(stream(nonce, upper, count, port))
		if s.err != nil {
			t.Fatal(s.err)
		}
	}
	dir := t.TempDir()
	save(dir, "abc234", "ABC234", "17", "40123")
	first := seedsIn(t, dir)
	save(dir, "zzz777", "ZZZ777", "23", "51")
	if second := seedsIn(t, dir); len(second) != len(first) {
		t.Errorf("a second run added to %d seeds, now %d", len(first), len(second))
	}
	if len(first) != 5 {
		t.Errorf("%d seeds of one stream with one CONNECT and two INFO, want 5", len(first))
	}
	for name, content := range first {
		for _, target := range fuzz.Targets() {
			if filepath.Dir(target.SeedDir()+"/x") == filepath.Join("corpus", "seeds", filepath.Dir(name)) && target.Check(content) != nil {
				t.Errorf("%s is no good seed: %v", name, target.Check(content))
			}
		}
	}
	for name, content := range first {
		if filepath.Dir(name) != "parse" {
			continue
		}
		want := stream("abc234", "ABC234", "17", "6222")
		for _, line := range []string{"RMSG $G nrnnnnnn.11.a 6\r\nnnnnnn\r\n", `"name":"NAAAAAAAAAAAAAAAA"`, `"server_id":"NBBBBBBBBBBBBBBBB"`} {
			if !bytes.Contains(content, []byte(line)) {
				t.Errorf("%q lacks %q", content, line)
			}
		}
		if len(content) != 1+len(want) {
			t.Errorf("%d bytes became %d", len(want), len(content))
		}
	}
}

// A seed that cannot be written is told; what follows is not tried.
func TestSeedsThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "parse"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := &seedStore{dir: dir}
	s.begin("abc234")
	s.sent()([]byte("PING\r\n"))
	if s.err == nil {
		t.Error("no error")
	}
}

func seedsIn(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	seeds := map[string][]byte{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(dir, path)
		seeds[name] = content
	}
	return seeds
}
