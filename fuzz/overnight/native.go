package overnight

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Native is one fuzz target of a test binary that was built with go test -c -fuzz=. (without -fuzz it would be blind).
//
// The engine of Go stops at its first finding. Collect runs that input again, files it under its bucket, and names the bucket in a file
// of masks, which the target reads (MasksVariable): the next turn goes on behind it.
type Native struct {
	Binary  string
	Fuzz    string // FuzzParse
	Root    string // the run's folder; all of the target is in native/FuzzParse below it
	Seeds   string // raw seeds, one a file; empty: none
	Workers int    // 0: as many as the machine has processors
	Entries int    // what Prune leaves in the corpus; 0: 5000
}

// MasksVariable names, in the environment of a test binary, a file with one bucket a line: what belongs to them is no failure.
const MasksVariable = "NATSROUTE_FUZZ_MASKS"

// replayLimit is how long one input may take when it is run again.
const replayLimit = time.Minute

func (n *Native) Name() string { return n.Fuzz }

func (n *Native) dir(parts ...string) string {
	return filepath.Join(append([]string{n.Root, "native", n.Fuzz}, parts...)...)
}

// failing is where the engine puts an input that fails.
func (n *Native) failing() string { return n.dir("work", "testdata", "fuzz", n.Fuzz) }

func (n *Native) cache() string { return n.dir("cache", n.Fuzz) }
func (n *Native) masks() string { return n.dir("masks") }

// Run lets the engine work for d.
func (n *Native) Run(ctx context.Context, d time.Duration, tell func(Progress)) (Progress, error) {
	if err := n.prepare(); err != nil {
		return Progress{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, d+30*time.Second) // an engine that hangs ends its turn
	defer cancel()
	args := []string{
		"-test.run=^$", "-test.fuzz=^" + n.Fuzz + "$", "-test.fuzztime=" + d.String(), "-test.fuzzcachedir=" + n.dir("cache"),
		"-test.fuzzminimizetime=10x", "-test.timeout=0",
	}
	if n.Workers > 0 {
		args = append(args, "-test.parallel="+strconv.Itoa(n.Workers))
	}
	cmd := command(ctx, n.Binary, args...)
	cmd.Dir = n.dir("work")
	cmd.Env = append(os.Environ(), MasksVariable+"="+n.masks())
	log, err := os.Create(n.dir("last.log"))
	if err != nil {
		return Progress{}, err
	}
	defer func() { _ = log.Close() }()
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		return Progress{}, err
	}
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		_ = in.Close()
	}()
	progress := readEngine(io.TeeReader(out, log), tell)
	err = <-ended
	sweep(cmd)
	return progress, n.judge(ctx, err)
}

// prepare makes the folders and the engine's form of the seeds.
func (n *Native) prepare() error {
	for _, dir := range []string{n.dir("work"), n.cache()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if n.Seeds == "" {
		return nil
	}
	seeds, err := os.ReadDir(n.Seeds)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, seed := range seeds {
		path := filepath.Join(n.cache(), "seed-"+seed.Name())
		if _, stat := os.Lstat(path); stat == nil || seed.IsDir() {
			continue
		}
		content, readErr := os.ReadFile(filepath.Join(n.Seeds, seed.Name()))
		if readErr != nil {
			return readErr
		}
		err = errors.Join(err, replace(path, engineForm(content)))
	}
	return err
}

// engineForm is how the engine of Go writes an input of one []byte.
func engineForm(content []byte) []byte {
	return fmt.Appendf(nil, "go test fuzz v1\n[]byte(%q)\n", content)
}

// rawForm is the reverse of engineForm.
func rawForm(text []byte) ([]byte, error) {
	_, line, _ := strings.Cut(string(text), "\n")
	quoted, ok := strings.CutPrefix(strings.TrimSpace(line), "[]byte(")
	if ok {
		quoted, ok = strings.CutSuffix(quoted, ")")
	}
	if !ok {
		return nil, errors.New("not an input of one []byte")
	}
	raw, err := strconv.Unquote(quoted)
	return []byte(raw), err
}

// judge tells whether the turn was spoilt: a failing input is what the engine is for.
func (n *Native) judge(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || len(n.pending()) > 0 {
		return nil
	}
	text, _ := os.ReadFile(n.dir("last.log"))
	return fmt.Errorf("%w: %s", err, printable(lastLines(string(text))))
}

func lastLines(text string) string { return text[max(0, len(text)-200):] }

var engineLine = regexp.MustCompile(`execs: (\d+) \(\d+/sec\)(?:, new interesting: \d+ \(total: (\d+)\))?`)

// readEngine follows the lines that the engine prints each three seconds.
func readEngine(out io.Reader, tell func(Progress)) (p Progress) {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if m := engineLine.FindStringSubmatch(line); m != nil {
			p.Execs, _ = strconv.ParseUint(m[1], 10, 64)
			if m[2] != "" {
				p.Coverage, _ = strconv.Atoi(m[2])
			}
			tell(p)
		}
		if err != nil {
			return p
		}
	}
}

// pending lists the failing inputs that are not filed yet.
func (n *Native) pending() []string {
	paths, _ := filepath.Glob(filepath.Join(n.failing(), "*"))
	return paths
}

// Collect files what fails and returns all that is filed.
func (n *Native) Collect() ([]Finding, error) {
	for _, path := range n.pending() {
		if err := n.file(path); err != nil {
			return nil, err
		}
	}
	return n.filed()
}

// file puts a failing input under its bucket. The note and the smallest input are written, the bucket is masked, and only then is the
// engine's copy removed: killed in between, it is filed again.
func (n *Native) file(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	raw, err := rawForm(text)
	if err != nil { // not written whole: the engine was killed
		return os.Rename(path, n.dir("broken-"+filepath.Base(path)))
	}
	report := n.again(filepath.Base(path))
	bucket := bucketOf(report)
	dir := n.dir("findings", bucket)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if old, err := os.Stat(filepath.Join(dir, inputFile)); err != nil || int64(len(raw)) < old.Size() {
		if err := errors.Join(replace(filepath.Join(dir, noteFile), []byte(report)), replace(filepath.Join(dir, inputFile), raw)); err != nil {
			return err
		}
	}
	if err := n.mask(bucket); err != nil {
		return err
	}
	return os.Remove(path)
}

const (
	inputFile = "input"
	noteFile  = "note.txt"
)

// again runs one failing input and returns what the target says of it; what the engine has said where it does not fail again.
func (n *Native) again(name string) string {
	ctx, cancel := context.WithTimeout(context.Background(), replayLimit)
	defer cancel()
	cmd := command(ctx, n.Binary, "-test.run=^"+n.Fuzz+"$/^"+regexp.QuoteMeta(name)+"$", "-test.timeout=30s")
	cmd.Dir = n.dir("work")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out)
	}
	said, _ := os.ReadFile(n.dir("last.log"))
	return "It did not fail again. The engine said:\n" + string(said)
}

// mask adds a bucket to the masks.
func (n *Native) mask(bucket string) error {
	text, err := os.ReadFile(n.masks())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if strings.TrimSpace(line) == bucket {
			return nil
		}
	}
	return replace(n.masks(), append(text, bucket+"\n"...))
}

// filed lists the buckets.
func (n *Native) filed() ([]Finding, error) {
	dirs, err := filepath.Glob(n.dir("findings", "*"))
	if err != nil {
		return nil, err
	}
	var all []Finding
	for _, dir := range dirs {
		input, err := os.Stat(filepath.Join(dir, inputFile))
		if err != nil {
			continue // killed before it was whole: the engine's copy is still there
		}
		note, err := os.ReadFile(filepath.Join(dir, noteFile))
		if err != nil {
			return nil, err
		}
		shown, err := filepath.Rel(n.Root, filepath.Join(dir, inputFile))
		if err != nil {
			return nil, err
		}
		all = append(all, Finding{Bucket: filepath.Base(dir), Title: titleOf(string(note)), File: filepath.ToSlash(shown), Bytes: int(input.Size())})
	}
	return all, nil
}

// Prune makes the engine's corpus smaller.
func (n *Native) Prune() (int, error) { return prune(n.cache(), n.Entries) }
