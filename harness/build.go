package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// BuildError says why a version of nats-server is not there: a test that needs it has not run, it has not failed.
type BuildError struct {
	Version string
	Reason  string // one sentence, what to do included
	Output  string // last lines of the Go tool, if it ran
}

func (e *BuildError) Error() string {
	text := "nats-server " + Printable(e.Version) + " cannot be built: " + e.Reason
	for line := range strings.Lines(e.Output) {
		text += "\n  " + Printable(strings.TrimRight(line, "\r\n"))
	}
	return text
}

const serverModule = "github.com/nats-io/nats-server/v2"

var versionForm = regexp.MustCompile(`^v?2\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`)

// NatsServer returns the path of that version of nats-server, like v2.15.2, built once into the user's cache directory
// with the Go tool. The error is a *BuildError, or ctx's.
func NatsServer(ctx context.Context, version string) (string, error) {
	return BuildNatsServer(ctx, version, nil)
}

// BuildNatsServer is NatsServer that tells progress, if it is not nil, before it builds.
func BuildNatsServer(ctx context.Context, version string, progress func(string)) (string, error) {
	if !versionForm.MatchString(version) {
		return "", &BuildError{Version: version, Reason: "it is no version of 2.x: write nats-server@v2.15.2"}
	}
	version = "v" + strings.TrimPrefix(version, "v")
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", &BuildError{Version: version, Reason: "there is no cache directory: " + err.Error()}
	}
	dir := filepath.Join(cache, "natsroute", "nats-server", version)
	path := filepath.Join(dir, "nats-server"+executableSuffix())
	if isExecutable(path) {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", &BuildError{Version: version, Reason: "the cache directory cannot be written: " + err.Error()}
	}
	unlock, err := lock(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if isExecutable(path) { // another builder was faster
		return path, nil
	}
	if progress != nil {
		progress("building nats-server " + version + ", once")
	}
	if err := install(ctx, version, dir, path); err != nil {
		return "", err
	}
	return path, nil
}

// releaseOf reads the major, minor and patch numbers of a version like v2.15.2; of what is none it makes zeros.
func releaseOf(version string) (r [3]int) {
	version, _, _ = strings.Cut(strings.TrimPrefix(version, "v"), "-")
	for i, part := range strings.SplitN(version, ".", len(r)) {
		r[i], _ = strconv.Atoi(part)
	}
	return r
}

func executableSuffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// install builds into a folder of its own, outside of any module, and puts the program in place in one step.
func install(ctx context.Context, version, dir, path string) error {
	tool, err := exec.LookPath("go")
	if err != nil {
		return &BuildError{Version: version, Reason: "the Go tool is not in PATH; install Go, or put the program at " + path}
	}
	work, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return &BuildError{Version: version, Reason: "the cache directory cannot be written: " + err.Error()}
	}
	defer func() { _ = os.RemoveAll(work) }()
	cmd := exec.CommandContext(ctx, tool, "install", serverModule+"@"+version)
	cmd.Dir = work
	cmd.Env = installEnvironment(os.Environ(), work)
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &BuildError{Version: version, Reason: installFault(out.String(), err), Output: lastLines(out.String(), 5)}
	}
	if err := os.Rename(filepath.Join(work, filepath.Base(path)), path); err != nil {
		return &BuildError{Version: version, Reason: "the Go tool has built no program: " + err.Error()}
	}
	return nil
}

// installEnvironment is ours without what would make the Go tool build for another system, or within a module.
func installEnvironment(environment []string, bin string) []string {
	var env []string
	for _, v := range environment {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "GOOS", "GOARCH", "GOFLAGS", "GOBIN", "GOWORK", "GO111MODULE":
		default:
			env = append(env, v)
		}
	}
	return append(env, "GOBIN="+bin, "GOFLAGS=-mod=mod", "GOWORK=off")
}

// installFault words the commonest reasons of a failed build.
func installFault(output string, err error) string {
	for _, sign := range []string{"dial tcp", "no such host", "i/o timeout", "connection refused", "TLS handshake", "Proxy"} {
		if strings.Contains(output, sign) {
			return "the Go module proxy cannot be reached (see GOPROXY)"
		}
	}
	if strings.Contains(output, "unknown revision") || strings.Contains(output, "not found") || strings.Contains(output, "404") {
		return "there is no such version"
	}
	return fmt.Sprintf("the Go tool failed: %v", err)
}

// lockPace is how often a builder looks whether another one is done.
const lockPace = 200 * time.Millisecond

// lock makes this process the one builder of a version. It waits while there is another.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	pace := time.NewTicker(lockPace)
	defer pace.Stop()
	for {
		unlock, err := tryLock(path)
		if err == nil || !errors.Is(err, errLocked) {
			return unlock, err
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

var errLocked = errors.New("harness: another builder is at work")
