package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// isolation tells a process that it has been started in a network namespace of its own.
const isolation = "NATSROUTE_ISOLATED"

// Isolated tells whether this process has a network of its own already.
func Isolated() bool { return os.Getenv(isolation) != "" }

// Isolate runs this program again, with the same arguments, in a network namespace that has nothing but loopback, and waits for its end;
// code is how it ended. done is false, and nothing has run, where the system does not allow it: then the loopback guard alone keeps targets from
// dialling other machines.
func Isolate(ctx context.Context) (code int, done bool, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, false, err
	}
	if !mayIsolate(ctx, self) {
		return 0, false, nil
	}
	cmd := isolatedCommand(self, os.Args, "run")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	runtime.LockOSThread() // the child dies with the thread that has made it
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return 0, false, nil
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	err = cmd.Wait()
	var ended *exec.ExitError
	switch {
	case err == nil:
		return 0, true, nil
	case errors.As(err, &ended) && ended.ExitCode() >= 0:
		return ended.ExitCode(), true, nil
	}
	return 0, true, fmt.Errorf("the isolated fuzzer: %w", err)
}

// isolatedCommand is a command in a network namespace of its own. Who is not root becomes it in a user namespace.
func isolatedCommand(path string, args []string, why string) *exec.Cmd {
	cmd := &exec.Cmd{Path: path, Args: args, Env: append(os.Environ(), isolation+"="+why)}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return cmd
}

// mayIsolate tries it.
func mayIsolate(ctx context.Context, self string) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := isolatedCommand(self, os.Args, "try")
	if err := cmd.Start(); err != nil {
		return false
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	return cmd.Wait() == nil
}

// Enter completes the isolation where this process was started for it: loopback comes up. A process that was only to try ends here.
// A program that calls Isolate calls it first of all.
func Enter() {
	why := os.Getenv(isolation)
	if why == "" {
		return
	}
	err := raiseLoopback()
	switch {
	case why == "try" && err == nil:
		os.Exit(0)
	case err != nil:
		fmt.Fprintln(os.Stderr, "natsroute: loopback in a network namespace of its own:", err)
		os.Exit(6)
	}
}

// raiseLoopback sets the flag UP of the interface lo.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, ifr); err != nil {
		return err
	}
	ifr.SetUint16(ifr.Uint16() | unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}
