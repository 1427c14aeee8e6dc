package live

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The test binary plays the fuzzer in a process of its own, which these variables describe.
const (
	killedDir    = "LIVE_TEST_DIR"
	killedServer = "LIVE_TEST_SERVER"
	killedSeed   = "LIVE_TEST_SEED"
)

// killedFuzzer fuzzes until it is killed.
func killedFuzzer() int {
	var seed uint64
	_, err := fmt.Sscan(os.Getenv(killedSeed), &seed)
	if err == nil {
		_, err = Run(context.Background(), Config{Server: os.Getenv(killedServer), Dir: os.Getenv(killedDir), Seed: seed, Resume: true})
	}
	fmt.Println(err)
	return 1
}

// mortal is a server that dies of an RMSG with a reply and a queue, and is started again by something.
func mortal(t *testing.T) (address string, died <-chan struct{}) {
	deaths := make(chan struct{}, 1)
	lives := atomic.Int64{}
	m := startMiddle(t, reference(t).Route, func(m *middle) (toServer, toPeer func([]byte) []byte) {
		var said []byte
		id := fmt.Appendf(nil, `"server_id":"%d`, lives.Load())
		return func(b []byte) []byte {
			if said = append(said, b...); !bytes.Contains(said, []byte(" + ")) {
				return b
			}
			if m.down.CompareAndSwap(false, true) {
				select {
				case deaths <- struct{}{}:
				default:
				}
				lives.Add(1)
				m.hangUp()
				time.AfterFunc(30*time.Millisecond, func() { m.down.Store(false) })
			}
			return nil
		}, func(b []byte) []byte { return bytes.Replace(b, []byte(`"server_id":"`), id, 1) }
	})
	return m.address(), deaths
}

// A fuzzer that is killed at any moment has lost nothing: what its corpus held is there and whole, and what the server has died of
// becomes a finding when it goes on.
func TestKilledFuzzer(t *testing.T) {
	atOnce := make(chan struct{}, 10)
	for round := range uint64(20) {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			atOnce <- struct{}{}
			defer func() { <-atOnce }()
			killedRound(t, round)
		})
	}
}

func killedRound(t *testing.T, round uint64) {
	moment := rand.New(rand.NewPCG(round, 9))
	address, died := mortal(t)
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killedDir+"="+dir, killedServer+"="+address, fmt.Sprintf("%s=%d", killedSeed, round))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-died:
	case <-time.After(30 * time.Second):
		t.Error("nothing has ended the server in 30 s")
	}
	<-time.After(time.Duration(moment.Int64N(int64(400 * time.Millisecond)))) // the moment is what is tested
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()

	s := must[*store](t)(openStore(dir))
	defer func() { _ = s.Close() }()
	before := must[[]string](t)(s.Names("corpus"))
	if _, err := s.sequences(); err != nil {
		t.Errorf("the corpus is not whole: %v", err)
	}
	goOn(t, Config{Server: address, Dir: dir, Seed: round + 100, Resume: true, Duration: 40 * time.Second})
	after := strings.Join(must[[]string](t)(s.Names("corpus")), " ")
	for _, name := range before {
		if !strings.Contains(after, name) {
			t.Errorf("the corpus has lost %s", name)
		}
	}
	checkDeath(t, s)
}

// goOn takes up a killed run until its finding is stored.
func goOn(t *testing.T, cfg Config) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var once sync.Once
	cfg.Log = func(line string) { t.Log(line) }
	cfg.Progress = func(st Status) {
		if st.Findings > 0 {
			once.Do(cancel)
		}
	}
	if _, err := Run(ctx, cfg); err != nil {
		t.Fatal(err)
	}
}

// checkDeath wants what was found to be what the server dies of, and small.
func checkDeath(t *testing.T, s *store) {
	names := must[[]string](t)(s.Names("findings"))
	if len(names) == 0 {
		left, _ := filepath.Glob(filepath.Join(s.Dir(), "suspects", "*"))
		t.Fatalf("no finding; suspects %v", left)
	}
	var smallest *Finding
	for _, name := range names {
		f := must[*Finding](t)(ReadFinding(s.Path("findings", name)))
		if f.Symptom.Kind != Unresponsive {
			t.Errorf("%s", f.text())
		}
		if smallest == nil || f.Messages < smallest.Messages {
			smallest = f
		}
	}
	if smallest.Messages > 2 {
		t.Errorf("%d messages\n%s", smallest.Messages, smallest.text())
	}
}
